// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A flag that threads wait for: those of one process, or of any, as the scope says.
//
// Any thread. Reading the flag is one load; setting and clearing it are one atomic operation each
// unless somebody waits. A thread that waits when the flag is set gets through even if the flag is
// cleared again before it runs. A forked child finds the flag as it was.
//
//   bits 2..63  epoch    how often the flag was set
//   bit  1      waiters  somebody may sleep, so set() must wake
//   bit  0      set
//
// Waiters sleep on the low half. Invariants: the epoch grows exactly when `set` goes from 0 to 1,
// so a waiter that sees a newer one has been let through; `waiters` is set before a thread sleeps
// and cleared only together with a new epoch, by the thread that then wakes everybody. A sleep on a
// stale word: the word would have to be set 2^30 times between the look and the sleep.
//
// Among processes: a thread that dies inside set() may leave the flag set and nobody woken, so
// nobody may wait for long without looking again. Waiters that die leave nothing behind.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/os/futex.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::sync {

template <os::Scope kScope>
class BasicEvent {
 public:
  BasicEvent() = default;
  BasicEvent(const BasicEvent&) = delete;
  BasicEvent& operator=(const BasicEvent&) = delete;

  // acquire: pairs with the release in set(), as does that of wait()
  bool is_set() const { return (word_.load(std::memory_order_acquire) & kSet) != 0; }

  // Sets the flag and lets everybody through who waits. Never blocks.
  void set() {
    if (set_unannounced()) wake_all();
  }

  // The two halves of it, for whoever may die in between. The first says whether the second is due.
  bool set_unannounced() {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
      next = (now & kSet) != 0 ? now : ((now & ~kWaiters) | kSet) + kOneEpoch;
      // release: what came before set() is seen by those who are let through
    } while (!word_.compare_exchange_weak(now, next, std::memory_order_release,
                                          std::memory_order_relaxed));
    return next != now && (now & kWaiters) != 0;
  }
  void wake_all() const;

  void clear() { word_.fetch_and(~kSet, std::memory_order_relaxed); }

  // How often the flag has been set. A wait begins with it.
  std::uint64_t epoch() const { return word_.load(std::memory_order_relaxed) / kOneEpoch; }

  // Looks for that for some microseconds: see spin.hpp.
  bool spin(std::uint64_t epoch) {
    return spins_.spin([&] { return is_over(word_.load(std::memory_order_acquire), epoch); });
  }

  // Waits until the flag is set, or has been set since `epoch`. Blocks; call it without the GIL.
  // May be called again, with the same epoch, until it says `acquired`.
  WaitResult wait(std::uint64_t epoch, Deadline deadline);

 private:
  static constexpr std::uint64_t kSet = 1;
  static constexpr std::uint64_t kWaiters = 2;
  static constexpr std::uint64_t kOneEpoch = 4;

  static bool is_over(std::uint64_t word, std::uint64_t epoch) {
    return (word & kSet) != 0 || word / kOneEpoch != epoch;
  }

  std::atomic<std::uint64_t> word_{0};
  SpinHabit spins_;
};

extern template class BasicEvent<os::Scope::threads>;
extern template class BasicEvent<os::Scope::processes>;

using Event = BasicEvent<os::Scope::threads>;

}  // namespace nativeconc::sync
