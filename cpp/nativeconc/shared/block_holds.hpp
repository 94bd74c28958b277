// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Which processes hold which blocks of an arena: the part of it that lies in shared memory.
//
// An arena belongs to the process that made it; that one alone gives blocks out. It may give a
// block out again only when no process holds it any more. Each other process has a slot: a row of
// bits, one a block, and a byte of the file, far behind its end, that it keeps locked (an open file
// description lock). The kernel unlocks the byte when the process ends, however it ends: then the
// row means nothing any more.
//
// The owner and a process that receives a block decide like Dekker's algorithm, with seq_cst:
//   receiver: sets its bit, then reads the generation. Another one than its handle says: it takes
//             the bit back and holds nothing.
//   owner:    adds one to the generation, then reads all bits. One is set: the generation is what
//   it
//             was, and the block stays away.
// At least one of them sees the other, so no block is given out while somebody holds it. A handle
// always says the generation with which its block was given out, never what it reads there now: the
// owner may be asking.
//
// Reading all bits takes time, in which one may be set that was read already, and another cleared
// that was not: who received a handle has begun to hold, and who sent it has stopped. So each
// process counts in `moves` that it has set a bit, and the owner that found none begins again if
// somebody has.
//
// Where there is no slot left (or no descriptor to make one), `no_reuse` is set instead: from then
// on the owner gives no block of the arena out again. Same order: set, count, read the generation.
//
// Any thread, any process; a row, and the claim of its slot, are written only by whoever has the
// slot's lock. A process may die between any two steps: what it leaves is a bit without a lock,
// which the next to get the lock clears (the owner that looks for blocks, or another that needs a
// slot).
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

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
  // The lanes of a block: segment.hpp.
  std::span<std::atomic<std::uint8_t>> lanes(std::uint32_t block) const {
    return {lanes_ + std::uint64_t{block} * lane_count_, lane_count_};
  }

  // Takes a slot that is free, or whose process died, with the lock on an open file that this
  // process alone has and that has no slot yet; kNoSlot if all are taken (then no_reuse is set).
  int claim_slot(int fd) const;
  // Its row must be empty; the lock goes with the open file, which must be closed afterwards.
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
  bool sees_holder(std::uint32_t block) const;

  ArenaState* state_ = nullptr;
  BlockState* states_ = nullptr;
  std::atomic<std::uint8_t>* lanes_ = nullptr;
  std::uint32_t lane_count_ = 0;
  std::atomic<std::uint64_t>* rows_ = nullptr;
  std::uint64_t words_ = 0;
  int slots_ = 0;
};

}  // namespace nativeconc::shared
