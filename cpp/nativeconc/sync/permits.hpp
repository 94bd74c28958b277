// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Permits: a counter that threads take from, one at a time, and wait for when it is empty. With one
// permit it is a lock.
//
// Any thread may take or give; waiting threads sleep on a futex, and taking a free permit or giving
// one that nobody waits for is a single compare-and-swap. After fork the permits keep their number
// and the waiters, who were threads of the parent, are forgotten.
//
// Fairness: newcomers may barge in while a woken waiter is still on its way, which is what makes
// contended locks fast. A waiter that loses such a race 1 ms or more after it began to wait becomes
// the heir: the next permit is kept for it.
//
// The layout of the word and the invariants stand in permit_state.hpp.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/sync/permit_state.hpp"

namespace nativeconc::sync {

class Permits {
 public:
  static constexpr std::uint32_t kMax = 0x7fff'ffff;
  static constexpr std::int64_t kHandOverNs = 1'000'000;

  // One thread's wait, kept over interruptions so that its age counts in full.
  struct Waiter {
    std::int64_t since_ns = 0;  // 0: has not begun
  };

  explicit Permits(std::uint32_t count) : word_(PermitState::with_permits(count).word) {}

  Permits(const Permits&) = delete;
  Permits& operator=(const Permits&) = delete;

  // Takes a permit if one is free and not kept for another. Never blocks.
  bool try_acquire() {
    PermitState state = load();
    while (state.has_free()) {
      // acquire: pairs with the release of whoever gave the permit
      if (word_.compare_exchange_weak(state.word, state.word - PermitState::kOnePermit,
                                      std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    }
    return state.has_heir() && try_acquire_from_heir();
  }

  // Waits for a permit. Blocks; call it without the GIL.
  WaitResult acquire(Deadline deadline, Waiter& waiter);

  // Gives back n >= 1 permits, unless that would make more than max (<= kMax) of them: then it
  // returns false and changes nothing. Never blocks.
  bool release(std::uint32_t n, std::uint32_t max) {
    PermitState state = load();
    while (state.queue() == 0) {
      if (std::uint64_t{state.permits()} + n > max) return false;
      // release: pairs with the acquire of whoever takes the permit
      if (word_.compare_exchange_weak(state.word, state.word + n * PermitState::kOnePermit,
                                      std::memory_order_release, std::memory_order_relaxed)) {
        return true;
      }
    }
    return release_to_waiters(n, max);
  }

  // A snapshot. A permit that is kept for the heir counts as taken.
  std::uint32_t available() const;

  // Sets the count anew, whoever holds permits. Those that wait go on waiting, or take what there
  // is.
  void refill(std::uint32_t count);

 private:
  PermitState load() const { return {word_.load(std::memory_order_relaxed)}; }

  bool try_acquire_from_heir();
  bool release_to_waiters(std::uint32_t n, std::uint32_t max);
  void wake(PermitState state) const;
  const std::uint32_t* futex_word() const;

  std::atomic<std::uint64_t> word_;
};

}  // namespace nativeconc::sync
