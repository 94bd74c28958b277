// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One segment as this process has it: an open file and a mapping of all of it.
//
// What is here is constant after construction, so any thread may read it; who counts the uses of a
// segment is Memory (memory.hpp). A forked child inherits file and mapping, and both stay valid.
// The destructor unmaps, closes, and removes the name if nobody else holds it; it never waits.
//
// A mapping keeps the open file it was made from, and with it all its locks, even when the
// descriptor is closed. So whoever wants to be rid of a lock but keep the memory maps the file
// anew, from another open file, in the same place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "nativeconc/shared/block_holds.hpp"
#include "nativeconc/shared/file_descriptor.hpp"
#include "nativeconc/shared/named_file.hpp"
#include "nativeconc/shared/segment_header.hpp"

namespace nativeconc::shared {

// A mapping of a whole file. Throws SharedError.
class Mapping {
 public:
  // The data at `data_offset` begins at a multiple of `alignment` in memory.
  Mapping(int fd, std::uint64_t size, Access access, std::uint64_t data_offset = 0,
          std::uint64_t alignment = 4096);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping();

  std::byte* base() const { return base_; }
  void unmap();
  // The same bytes in the same place, from another open file. Async-signal-safe. False: as it was.
  bool remap(int fd) const;

 private:
  std::byte* base_ = nullptr;
  int protection_ = 0;
  std::uint64_t size_ = 0;
};

class Segment {
 public:
  // Maps what an open file holds, whose header was read. Throws SharedError.
  Segment(FileDescriptor file, Access access, const SegmentHeader& header);
  // The same of a file from open_held().
  Segment(HeldFile file, Access access, std::string name);
  // One just created, with its mapping.
  Segment(FileDescriptor file, Mapping mapping, SegmentHeader header, std::string meta,
          std::string name);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  const SegmentHeader& header() const { return header_; }
  const std::string& meta() const { return meta_; }
  const std::string& name() const { return name_; }
  Access access() const { return access_; }
  bool is_arena() const { return header_.kind == SegmentKind::arena; }
  int fd() const { return file_.get(); }
  std::byte* block(std::uint32_t number) const {
    return mapping_.base() + header_.data_offset + number * header_.block_size;
  }
  const BlockHolds& holds() const { return holds_; }

  // Handles of a block that are on their way. Each takes a lane, which is a byte in the segment
  // that counts on: odd while its handle is on the way, even when it has arrived or there is none.
  // A handle is its lane and that count, so one that is received twice does not take another's
  // lane.
  //   bits 0..15   lane
  //   bits 16..23  what the lane says while this handle is on its way
  // mark_in_flight() returns -1 where it cannot be told when the handle arrives: all lanes are
  // taken, or this process cannot write.
  static constexpr int kMaxHandle = (1 << 24) - 1;
  int mark_in_flight(std::uint32_t block) const;
  void mark_received(std::uint32_t block, int handle) const;
  bool is_in_flight(std::uint32_t block, int handle) const;
  // The same question about an open file that is not mapped. False too if it cannot be told.
  static bool was_received(int fd, std::uint32_t block, int handle, const SegmentHeader& header);

  // A child that was just forked holds the arena by an open file of its own, not by its parent's.
  // Async-signal-safe. False if that cannot be.
  bool replace_file(int fd);
  // Says that another process may have the same open file, by a fork or because it was sent one.
  // relaxed: whoever forks or sends is ordered before the end of the segment by Memory's mutex
  void share_file() { is_file_shared_.store(true, std::memory_order_relaxed); }
  // Stops to hold the name, and removes it if nobody else does; the memory stays. For the end of
  // the process.
  void leave_name();

 private:
  template <class Use>
  void use_lanes(std::uint32_t block, Use use) const;

  std::atomic<bool> is_file_shared_{false};
  FileDescriptor file_;
  Access access_;
  std::string name_;
  std::string meta_;
  SegmentHeader header_;
  Mapping mapping_;
  BlockHolds holds_;
};

}  // namespace nativeconc::shared
