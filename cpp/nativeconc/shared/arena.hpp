// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One arena as this process has it: a segment of many blocks of one size, and how often this
// process holds each. A hundred thousand small arrays so take a handful of descriptors and
// mappings.
//
// Which blocks are free is known to the process that made the arena alone, in its own memory: when
// it dies nobody needs to repair anything, and when another dies the kernel tells
// (block_holds.hpp).
//
// Guarded by Memory's mutex.
//
// Invariants, in the process that owns the arena: each block is either held here (count > 0), or
// free, or lent (given back here, but held elsewhere when we looked). In any process: a block that
// is held here has the generation here with which it was given out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nativeconc/shared/segment.hpp"

namespace nativeconc::shared {

class Arena {
 public:
  static constexpr std::uint64_t kMaxBlock = 65536;  // bytes; what is bigger has its own segment

  // Sizes of blocks: multiples of 64 bytes, and from 512 bytes on four to each doubling.
  static int class_of(std::uint64_t size);
  static std::uint64_t class_size(int size_class);
  static constexpr int kClasses = 36;

  // What a new arena should be, when all others of its class have `blocks` blocks.
  static SegmentPlan plan(int size_class, std::uint64_t blocks);

  Arena(const Segment& segment, bool is_owner);
  // Nothing is held any more. Before its segment.
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  bool is_owner() const { return is_owner_; }
  // After a fork in the child: whoever made the arena, this process did not.
  void disown();

  // For the owner. A free block, or -1. It is held once.
  std::int64_t take(bool* is_fresh);
  // For the owner: looks for lent blocks that came back.
  void reclaim();
  bool is_unused() const { return used_ == 0; }
  std::size_t free_blocks() const { return free_.size(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(uses_.size()); }

  // Another handle of a block arrives; false if what the handle means is gone.
  bool hold(std::uint32_t block, std::uint32_t generation);
  void release(std::uint32_t block);
  // Of a block that is held here: what its handles say.
  std::uint32_t generation(std::uint32_t block) const { return uses_[block].generation; }

  // Around fork: a slot for the child in an open file of its own, with all that is held here; -1 if
  // there is none, and then nothing is given out again.
  int prepare_child();
  void settle_in_parent();
  // Async-signal-safe.
  void settle_in_child(Segment& segment);

 private:
  void free_lanes(std::uint32_t block) const;
  struct Use {
    std::uint32_t count = 0;
    std::uint32_t generation = 0;
  };

  const Segment& segment_;
  const BlockHolds& holds_;
  bool is_owner_;
  int slot_ = kNoSlot;  // of a process that is not the owner
  std::uint32_t used_ = 0;
  std::vector<Use> uses_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> lent_;
  int child_fd_ = -1;
  int child_slot_ = kNoSlot;
};

}  // namespace nativeconc::shared
