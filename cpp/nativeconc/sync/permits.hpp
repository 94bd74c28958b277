// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Permits: a counter that threads take from, one at a time, and wait for when it is empty.
// This is the one state machine behind Lock (one permit), Semaphore and BoundedSemaphore.
//
// Any thread may take or give; waiting threads sleep on a futex, and taking a free permit or giving one
// that nobody waits for is a single compare-and-swap. After fork the permits keep their number and the
// waiters, who were threads of the parent, are forgotten.
//
// Fairness: newcomers may barge in while a woken waiter is still on its way, which is what makes
// contended locks fast. A waiter that loses such a race 1 ms or more after it began to wait becomes the
// heir: the next permit is kept for it.
//
// The 64-bit state; its low half is the futex word:
//
//   bits 32..63  permits     how many may be taken
//   bits 24..31  generation  fork generation (mod 256) of the waiters; 0 when there are none
//   bits  2..23  waiters     threads that sleep here or are about to look (Linux has at most 2^22)
//   bit   1      heir        one waiter is owed the next permit; newcomers leave it that one
//   bit   0      woken       a messenger is on its way: no need to wake another
//
// Invariants:
//   I.   permits > 0 and waiters > 0 imply woken. (Every transition keeps it.)
//   II.  woken implies a messenger: a registered waiter that is awake, or that the thread which set the
//        bit is just waking, and that will look at the state before it sleeps again. Whoever looks either
//        clears the bit (then I says there is nothing to take) or sets it anew and wakes again.
//   III. A waiter goes to sleep only on a state without woken, except while a permit is kept for another
//        that is the heir; and the heir itself always sleeps without. So setting woken changes the word
//        that any possible messenger would sleep on, and a wake-up that finds nobody asleep is seen by
//        one who is not asleep yet. It follows that no wake-up is lost.
//   IV.  no waiters imply that the low half is zero.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"

namespace nativeconc::sync {

class Permits {
 public:
  static constexpr std::uint32_t kMax = 0x7fff'ffff;
  static constexpr std::int64_t kHandOverNs = 1'000'000;

  // One thread's wait, kept over interruptions so that its age counts in full.
  struct Waiter {
    std::int64_t since_ns = 0;  // 0: has not begun
  };

  explicit Permits(std::uint32_t count) : state_(pack(count)) {}

  Permits(const Permits&) = delete;
  Permits& operator=(const Permits&) = delete;

  // Takes a permit if one is free and not kept for another. Never blocks.
  bool try_acquire() {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    while (has_free(state)) {
      // acquire: pairs with the release in release()
      if (state_.compare_exchange_weak(state, state - kOnePermit, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return is_stale(state) && try_acquire_after_fork();
  }

  // Waits for a permit. Blocks; call it without the GIL.
  WaitResult acquire(Deadline deadline, Waiter& waiter);

  // Gives back n >= 1 permits, unless that would make more than max (<= kMax) of them: then it returns
  // false and changes nothing. Never blocks.
  bool release(std::uint32_t n, std::uint32_t max) {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    while (queue_of(state) == 0) {
      if (permits_of(state) + std::uint64_t{n} > max) return false;
      // release: pairs with the acquire of whoever takes the permit
      if (state_.compare_exchange_weak(state, state + n * kOnePermit, std::memory_order_release,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return release_to_waiters(n, max);
  }

  // A snapshot. A permit that is kept for the heir counts as taken.
  std::uint32_t available() const {
    const std::uint64_t state = state_.load(std::memory_order_relaxed);
    const std::uint32_t permits = permits_of(state);
    return permits > 0 && has_heir(state) && !is_stale(state) ? permits - 1 : permits;
  }

  // Forgets all waiters and sets the count. Only while no other thread can reach the object.
  void reset(std::uint32_t count) { state_.store(pack(count), std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kWoken = 1;
  static constexpr std::uint64_t kHeir = 2;
  static constexpr std::uint64_t kOneWaiter = 4;
  static constexpr std::uint64_t kWaiters = 0x00ff'fffc;
  static constexpr int kGenerationShift = 24;
  static constexpr std::uint64_t kGeneration = 0xff00'0000;
  static constexpr std::uint64_t kQueue = 0xffff'ffff;
  static constexpr std::uint64_t kOnePermit = std::uint64_t{1} << 32;

  static constexpr std::uint64_t pack(std::uint32_t count) { return count * kOnePermit; }
  static constexpr std::uint32_t permits_of(std::uint64_t state) {
    return static_cast<std::uint32_t>(state >> 32);
  }
  static constexpr std::uint32_t queue_of(std::uint64_t state) {
    return static_cast<std::uint32_t>(state & kQueue);
  }
  static constexpr bool has_heir(std::uint64_t state) { return (state & kHeir) != 0; }
  // Is there a permit for somebody who is not the heir?
  static constexpr bool has_free(std::uint64_t state) {
    return permits_of(state) > (has_heir(state) ? 1u : 0u);
  }

  static std::uint64_t current_generation();
  // Do the waiters belong to a process that this one was forked from?
  static bool is_stale(std::uint64_t state) {
    return queue_of(state) != 0 && (state & kGeneration) != current_generation();
  }
  static std::uint64_t without_stale_waiters(std::uint64_t state) {
    return is_stale(state) ? state & ~kQueue : state;
  }

  bool try_acquire_after_fork();
  bool release_to_waiters(std::uint32_t n, std::uint32_t max);
  void wake(std::uint64_t state) const;
  const std::uint32_t* futex_word() const;

  std::atomic<std::uint64_t> state_;
};

}  // namespace nativeconc::sync
