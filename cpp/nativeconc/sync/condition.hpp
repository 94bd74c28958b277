// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The queue of a condition variable: threads that wait for a notify, first come first served. The
// lock that goes with it is the caller's business.
//
// Any thread. A forked child forgets the waiters of its parent.
//
// How to wait: enter() while the lock is held, then release the lock, then wait() until it says
// `acquired` or one gives up, then leave(). A notify that finds the thread anywhere between enter()
// and leave() counts, so none is lost, and leave() says whether there was one.
//
// Invariants, under mutex_: the list holds the waiters that have not been notified, in the order of
// enter(). A waiter's word goes from awake to asleep before it first sleeps, and from either
// to notified once, when notify takes it off the list; nobody touches the waiter after that but its
// own thread, which frees it. Whoever was awake then needs no wake-up. (The wake-up that follows
// uses the address alone. If it is late it may wake somebody else, who looks again: every futex
// must expect that.) Waiters lie on the heap: a daemon thread that the interpreter ends inside a
// wait leaves its stack.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "nativeconc/os/short_mutex.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::sync {

class Condition {
 public:
  enum class State : std::uint32_t { awake, asleep, notified };

  struct Waiter {
    std::atomic<State> state{State::awake};  // the futex word
    std::uint32_t generation = 0;            // of the list that it is in, or kNoList after reset()
    Waiter* before = nullptr;
    Waiter* after = nullptr;
  };

  Condition() = default;
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // Null if there is no memory.
  Waiter* enter();

  // Looks for some microseconds whether it has been notified: see spin.hpp.
  bool spin(const Waiter& waiter) {
    return spins_.spin([&] { return is_notified(waiter); });
  }

  // Blocks; call it without the GIL. May be called again until it says `acquired`: notified.
  WaitResult wait(Waiter& waiter, Deadline deadline);

  // Ends the wait, and the waiter. Returns whether it was notified.
  bool leave(Waiter* waiter);

  // Notifies the n first waiters, or all there are; returns how many. Wakes them now, or later: see
  // os/deferred_wakes.hpp. Never blocks.
  std::uint64_t notify(std::uint64_t n, os::Wake when = os::Wake::now);

  std::uint32_t waiters();

  // Forgets all waiters.
  void reset();

 private:
  static constexpr std::uint32_t kNoList = ~std::uint32_t{0};

  // acquire: pairs with the release in notify()
  static bool is_notified(const Waiter& waiter) {
    return waiter.state.load(std::memory_order_acquire) == State::notified;
  }

  struct Guard;  // holds mutex_, after which the list is of this fork generation

  void append(Waiter& waiter);
  void unlink(Waiter& waiter);

  SpinHabit spins_;
  os::ShortMutex mutex_;
  std::uint32_t generation_ = 0;
  std::uint32_t count_ = 0;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace nativeconc::sync
