// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The state machine of RWLock, as pure functions on one 64-bit word; rwlock.hpp makes it atomic and
// puts threads to sleep.
//
// Constant expressions: may be called from anywhere.
//
//   bits 40..63  epoch       how often waiting readers were let in
//   bits 32..39  generation  fork generation (mod 256) of `waiting` and `pending`
//   bits 17..31  waiting     readers that wait for a writer to finish
//   bits  2..16  active      readers inside; recursive reads of a thread count once
//   bit   1      pending     a writer waits for the active readers to leave; newcomers wait for it
//   bit   0      writing     a writer is inside
//
// A draining writer sleeps on the low half, readers on the high half. At most one writer is here at
// a time: they queue in a Lock of their own first.
//
// Invariants:
//   I.   writing implies no active readers and not pending.
//   II.  waiting > 0 implies writing or pending. So whoever clears the last of the two lets them
//   in. III. Letting in moves all of waiting to active in one step and begins a new epoch: a reader
//   that
//        has registered is inside exactly when the epoch is another. This is also the fairness: all
//        readers that came during a write go before the next writer, and no reader that comes while
//        a writer waits goes before it.
//   IV.  A reader that has been let in counts as active, so no writer can enter, and let in others,
//        before it has gone through and left. Only writers that give up can begin epochs meanwhile:
//        to mistake a new epoch for the old one a reader would have to sleep through 2^24 of them.
#pragma once

#include <cstdint>

namespace nativeconc::sync {

struct RWState {
  std::uint64_t word = 0;

  static constexpr std::uint64_t kWriting = 1;
  static constexpr std::uint64_t kPending = 2;
  static constexpr int kActiveShift = 2;
  static constexpr int kWaitingShift = 17;
  static constexpr std::uint64_t kMaxReaders = 0x7fff;
  static constexpr std::uint64_t kOneActive = std::uint64_t{1} << kActiveShift;
  static constexpr std::uint64_t kOneWaiting = std::uint64_t{1} << kWaitingShift;
  static constexpr std::uint64_t kActive = kMaxReaders << kActiveShift;
  static constexpr std::uint64_t kWaiting = kMaxReaders << kWaitingShift;
  static constexpr int kGenerationShift = 32;
  static constexpr std::uint64_t kGeneration = std::uint64_t{0xff} << kGenerationShift;
  static constexpr int kEpochShift = 40;
  static constexpr std::uint64_t kOneEpoch = std::uint64_t{1} << kEpochShift;

  constexpr bool is_writing() const { return (word & kWriting) != 0; }
  constexpr bool is_pending() const { return (word & kPending) != 0; }
  constexpr std::uint64_t active() const { return (word & kActive) >> kActiveShift; }
  constexpr std::uint64_t waiting() const { return (word & kWaiting) >> kWaitingShift; }
  constexpr std::uint64_t epoch() const { return word >> kEpochShift; }
  constexpr std::uint32_t low() const { return static_cast<std::uint32_t>(word); }
  constexpr std::uint32_t high() const { return static_cast<std::uint32_t>(word >> 32); }

  // May a reader enter, without looking at anything else?
  constexpr bool is_open_to_readers() const { return (word & (kWriting | kPending)) == 0; }

  // Could one reader more be counted? Some places are left for threads that have asked already.
  constexpr bool has_room() const { return active() + waiting() < kMaxReaders - 1024; }

  // Without those of another fork generation who waited: they were threads of a parent process.
  constexpr RWState in_generation(std::uint32_t generation) const {
    const std::uint64_t bits = (std::uint64_t{generation} << kGenerationShift) & kGeneration;
    if ((word & kGeneration) == bits) return *this;
    return {(word & ~(kGeneration | kWaiting | kPending)) | bits};
  }

  friend constexpr bool operator==(RWState, RWState) = default;
};

// Each of these needs a state of the current generation.

constexpr RWState reader_enters(RWState now) { return {now.word + RWState::kOneActive}; }
constexpr RWState reader_leaves(RWState now) { return {now.word - RWState::kOneActive}; }
constexpr RWState reader_registers(RWState now) { return {now.word + RWState::kOneWaiting}; }
constexpr RWState reader_gives_up(RWState now) { return {now.word - RWState::kOneWaiting}; }

// The only writer: goes in, or announces itself while readers are inside.
constexpr RWState writer_comes(RWState now) {
  if (now.active() > 0) return {now.word | RWState::kPending};
  return {(now.word & ~RWState::kPending) | RWState::kWriting};
}

// The writer has finished, or gives up while it is pending: the readers that waited are let in, and
// the writer goes on as one of them if it `stays`.
constexpr RWState writer_goes(RWState now, bool stays) {
  const std::uint64_t in = now.active() + now.waiting() + (stays ? 1 : 0);
  const std::uint64_t epoch = now.waiting() > 0 ? RWState::kOneEpoch : 0;
  return {((now.word & RWState::kGeneration) | (in << RWState::kActiveShift) |
           (now.epoch() << RWState::kEpochShift)) +
          epoch};
}

}  // namespace nativeconc::sync
