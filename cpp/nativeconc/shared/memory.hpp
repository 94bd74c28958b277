// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// All shared memory that this process uses: which segments it has mapped, and how often each is
// used.
//
// A Lease is one use of one piece: a whole segment, or one block of an arena. The memory stays
// mapped while there is a lease on it. Any thread; one process-wide mutex, held for some
// instructions (the owner of an arena may look at its file locks under it). Nothing is created,
// mapped or closed under it, except around a fork.
//
// Fork: the child has its parent's leases. Around the fork each arena in use gets a slot for the
// child (block_holds.hpp), so the parent does not give out again what the child still uses.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "nativeconc/os/short_mutex.hpp"
#include "nativeconc/shared/arena.hpp"
#include "nativeconc/shared/segment.hpp"

namespace nativeconc::shared {

struct Lease {
  Segment* segment = nullptr;
  std::uint32_t block = 0;
  std::byte* data = nullptr;
  std::uint64_t size = 0;        // exactly what was asked for
  std::uint32_t generation = 0;  // of the block, for handles
};

// What a handle says of a piece of memory.
struct Handle {
  SegmentId id;
  std::uint32_t block = 0;
  std::uint32_t generation = 0;
  int flight = -1;  // see Segment::mark_in_flight
  std::uint64_t size = 0;
};

// An open file of one's own, of what another descriptor (of any access) has open. Throws
// SharedError.
FileDescriptor reopen(int fd, Access access);

// Whether a handle was received, as the open file of its segment tells. Throws SharedError.
bool was_received(int fd, const Handle& handle);

class Memory {
 public:
  static Memory& instance();

  // A block of an arena, zeroed if wanted; no lease (segment is null) if the size is too big for
  // one. Throws SharedError. Quick, except when a new arena is needed.
  Lease take_block(std::uint64_t size, bool zeroed);
  // The lease of a segment just created or opened.
  Lease add(std::unique_ptr<Segment> segment);
  // Attaches to what has a name. Throws SharedError.
  Lease open(std::string_view name, Access access);
  void release(const Lease& lease);

  // A handle of the lease for somebody else, who may be another process; it stays good while this
  // process keeps the lease, and arrived() tells when that is not needed any more.
  Handle send(const Lease& lease);
  static bool arrived(const Lease& lease, const Handle& handle);

  // What a handle means, if this process has the segment; a lease without segment if not. Throws
  // SharedError (`not_found`) if the segment is here, but the block is not what it was.
  Lease receive(const Handle& handle, Access access);
  // The same with an open file of the segment, which is closed. Throws SharedError.
  Lease receive(const Handle& handle, Access access, FileDescriptor file);
  // The same by name. Throws SharedError.
  Lease receive(const Handle& handle, Access access, std::string_view name);

  // Gives back arenas that are not in use.
  void trim();
  // Stops to hold names, for the end of the process: the memory stays.
  void leave_names();

 private:
  struct Entry {
    std::unique_ptr<Segment> segment;
    std::unique_ptr<Arena> arena;  // null: a plain segment
    std::uint64_t uses = 0;        // leases, and one while a size class has the arena
  };
  struct Key {
    SegmentId id;
    Access access;
    bool operator==(const Key&) const = default;
  };
  struct HashKey {
    std::size_t operator()(const Key& key) const { return key.id.low; }
  };
  using Doomed = std::vector<std::unique_ptr<Entry>>;  // destroyed when the mutex is free again
  class Guard;

  Memory();
  static Key key_of(const Segment& segment) { return {segment.header().id, segment.access()}; }

  Entry& entry_of(const Segment& segment) { return *entries_.at(key_of(segment)); }
  bool take_from(int size_class, Lease* lease, bool* is_fresh);
  void add_arena(int size_class);
  Lease lease_of(Entry& entry, const Handle& handle);
  void drop_use(Entry& entry, Doomed& doomed);
  void retire_spare(std::uint64_t block_size, Doomed& doomed);

  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();
  void settle_after_fork(Doomed& doomed);

  os::ShortMutex mutex_;
  std::unordered_map<Key, std::unique_ptr<Entry>, HashKey> entries_;
  std::array<std::vector<Entry*>, Arena::kClasses> classes_;
  bool just_forked_ = false;
};

}  // namespace nativeconc::shared
