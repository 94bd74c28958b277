// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Which processes hold which blocks of an arena: the part of it that lies in shared memory.
//
// An arena belongs to the process that made it; that one alone gives blocks out. It may give a block
// out again only when no process holds it any more. Each other process has a slot: a row of bits,
// one a block, and a byte of the file, far behind its end, that it keeps locked (an open file
// description lock). The kernel unlocks the byte when the process ends, however it ends: then the
// row means nothing any more.
//
// The owner and a process that receives a block decide like Dekker's algorithm, with seq_cst:
//   receiver: sets its bit, then reads the generation. Another one than its handle says: it takes
//             the bit back and holds nothing.
//   owner:    adds one to the generation, then reads all bits. One is set: the block stays away.
// At least one of them sees the other, so no block is given out while somebody holds it.
//
// Where there is no slot left (or no descriptor to make one), `no_reuse` is set instead: from then on
// the owner gives no block of the arena out again. Same order: set, then read the generation.
//
// Any thread, any process; a row is written only by the process whose slot it is, and by the owner
// once the slot's lock is gone. A process may die between any two steps: what it leaves is a bit
// without a lock, or a lock without a bit, and neither matters.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/shared/segment_header.hpp"

namespace nativeconc::shared {

inline constexpr int kNoSlot = -1;

class BlockHolds {
 public:
  BlockHolds() = default;
  // `base` is where the segment is mapped.
  BlockHolds(std::byte* base, const SegmentHeader& header);

  std::atomic<std::uint32_t>& generation(std::uint32_t block) const {
    return states_[block].generation;
  }
  std::atomic<std::uint32_t>& in_flight(std::uint32_t block) const {
    return states_[block].in_flight;
  }

  // Takes a free slot, with the lock on an open file that this process alone has; kNoSlot if all are
  // taken (then no_reuse is set).
  int claim_slot(int fd) const;
  // Its row must be empty; the lock goes with the open file.
  void give_back_slot(int slot) const;
  void forbid_reuse() const;

  void set(int slot, std::uint32_t block) const;
  void clear(int slot, std::uint32_t block) const;

  // For the owner: whether any process but it may hold the block. Cheap; may say yes for one that
  // died.
  bool is_held(std::uint32_t block) const;
  // For the owner: clears the rows of processes that died. `fd` is its own open file.
  void forget_the_dead(int fd) const;

 private:
  std::atomic<std::uint64_t>& word(int slot, std::uint32_t block) const {
    return rows_[static_cast<std::uint64_t>(slot) * words_ + block / 64];
  }
  void wipe(int slot) const;

  ArenaState* state_ = nullptr;
  BlockState* states_ = nullptr;
  std::atomic<std::uint64_t>* rows_ = nullptr;
  std::uint64_t words_ = 0;
  int slots_ = 0;
};

}  // namespace nativeconc::shared
