// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Three numbers in shared memory that change together, by one store: whoever dies while it changes
// them has changed nothing.
//
// One thread at a time writes (it holds the mutex of what the numbers belong to); any thread of any
// process reads, without a lock. All zero bytes are three zeros.
//
//   commit   how often they changed; its lowest bit says which of the two slots is the valid one
//   slots    the other one is filled first, then `commit` moves on
//
// Invariants: the slot that `commit` points at is never written, so a writer that died left it
// whole; a slot is written only after `commit` has left it, so a reader that finds `commit` the
// same before and after has read a whole one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/shared/fault_point.hpp"

namespace nativeconc::shared {

// What has passed one end of a queue, since the queue was made.
struct Passed {
  std::uint64_t position = 0;  // bytes of the ring
  std::uint64_t messages = 0;
  std::uint64_t outside = 0;  // bytes that went beside the ring

  friend bool operator==(const Passed&, const Passed&) = default;
};

template <template <class> class Atomic>
class BasicLedger {
 public:
  // For the one who may write.
  Passed current() const {
    return read_slot(commit_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

  void publish(const Passed& next) {
    const std::uint64_t commit = commit_.load(std::memory_order_relaxed) + 1;
    Slot& slot = slots_[commit % 2];
    // release: pairs with the acquire in read(): who sees any of these sees that commit_ has
    // left the slot before
    slot.position.store(next.position, std::memory_order_release);
    fault_point();
    slot.messages.store(next.messages, std::memory_order_release);
    slot.outside.store(next.outside, std::memory_order_release);
    fault_point();
    // seq_cst: then the writer looks whether somebody sleeps; who is about to sleep looks here
    commit_.store(commit);
  }

  // A number that is another after each change.
  std::uint64_t commit() const { return commit_.load(); }

  // For anybody; `commit`, if given, is what they are as of.
  Passed read(std::uint64_t* commit = nullptr) const {
    for (;;) {
      const std::uint64_t before = commit_.load();
      const Passed passed = read_slot(before, std::memory_order_acquire);
      if (commit_.load(std::memory_order_acquire) != before) continue;
      if (commit != nullptr) *commit = before;
      return passed;
    }
  }

 private:
  struct Slot {
    Atomic<std::uint64_t> position;
    Atomic<std::uint64_t> messages;
    Atomic<std::uint64_t> outside;
  };

  Passed read_slot(std::uint64_t commit, std::memory_order order) const {
    const Slot& slot = slots_[commit % 2];
    return {slot.position.load(order), slot.messages.load(order), slot.outside.load(order)};
  }

  Atomic<std::uint64_t> commit_{};
  std::array<Slot, 2> slots_{};
};

using Ledger = BasicLedger<std::atomic>;
static_assert(sizeof(Ledger) == 56);
static_assert(std::is_standard_layout_v<Ledger>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace nativeconc::shared
