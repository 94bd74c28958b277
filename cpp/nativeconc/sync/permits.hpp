// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Permits: a counter that threads take from, one at a time, and wait for when it is empty. It is
// what a semaphore is made of.
//
// Any thread may take or give; taking a free permit or giving one that nobody waits for is a single
// compare-and-swap. Sleeping, fairness and fork: see permit_queue.hpp. The layout of the word and
// the invariants: see permit_state.hpp.
#pragma once

#include "nativeconc/sync/permit_queue.hpp"

namespace nativeconc::sync {

class Permits {
 public:
  static constexpr std::uint32_t kMax = 0x7fff'ffff;

  explicit Permits(std::uint32_t count) : queue_(count) {}

  // Takes a permit if one is free and not kept for another. Never blocks.
  bool try_acquire() { return queue_.try_take(0); }

  // Waits for a permit. Blocks; call it without the GIL.
  WaitResult acquire(Deadline deadline, Waiter& waiter) { return queue_.take(0, deadline, waiter); }

  // Gives back n >= 1 permits, unless that would make more than max (<= kMax) of them: then it
  // returns false and changes nothing. Never blocks.
  bool release(std::uint32_t n, std::uint32_t max) {
    PermitState state = queue_.load();
    for (;;) {
      if (std::uint64_t{state.permits()} + n > max) return false;
      const std::uint32_t count = state.permits() + n;
      if (state.queue() == 0 ? queue_.try_give(state, count)
                             : queue_.try_give_to_waiters(state, count)) {
        return true;
      }
    }
  }

  // A snapshot. A permit that is kept for the heir counts as taken.
  std::uint32_t available() const { return queue_.available(); }

  // Sets the count anew, whoever holds permits. Those that wait go on waiting, or take what there
  // is.
  void refill(std::uint32_t count) { queue_.refill(count); }

 private:
  PermitQueue<Stock::counted> queue_;
};

}  // namespace nativeconc::sync
