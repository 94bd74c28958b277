// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The queue of a condition variable between processes: threads that wait for a notify, first come
// first served. The lock that goes with it is the caller's business.
//
// Any thread of any process; all zero bytes are a condition that nobody waits for. A thread may
// wait inside a wait (in a signal handler). After fork the parent's waiters stay the parent's.
//
// How to wait: enter() while the lock is held, then release the lock, then wait() until it says
// `acquired` or one gives up, then leave(). A notify that finds the thread anywhere between enter()
// and leave() counts, so none is lost, and leave() says whether there was one.
//
// Waiters that die are forgotten: none takes a notify that was made after its death. How, and what
// else holds: waiter_table.hpp.
#pragma once

#include <cstdint>
#include <type_traits>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/shared/waiter_table.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::shared {

class Condition {
 public:
  using Waiter = WaiterTable::Place;

  // `me` is this_thread_number() in all that follows. None (is_none()) if kMostWaiters wait.
  Waiter enter(ThreadNumber me) { return table_.enter(me); }

  // Looks for some microseconds whether it has been notified: see sync/spin.hpp.
  bool spin(const Waiter& waiter) {
    return spins_.spin([&] { return table_.is_notified(waiter); });
  }

  // Blocks; call it without the GIL. May be called again until it says `acquired`: notified.
  //
  // In a child that a signal handler forked inside the wait, the child waits in a place of its own,
  // and ends its wait as if notified if there is none, or if it has no number yet (kNobody).
  WaitResult wait(ThreadNumber me, Waiter& waiter, Deadline deadline);

  // Ends the wait. Returns whether it was notified.
  bool leave(ThreadNumber me, const Waiter& waiter);

  // Notifies the n first waiters that live, or all there are; returns how many. Wakes them now, or
  // later: see os/deferred_wakes.hpp. Never blocks.
  std::uint64_t notify(std::uint64_t n, os::Wake when = os::Wake::now) {
    return table_.notify(n, when);
  }

  // How many wait that live; a snapshot.
  std::uint32_t waiters() const { return table_.waiters(); }

 private:
  sync::SpinHabit spins_;
  [[maybe_unused]] std::uint32_t padding_ = 0;
  WaiterTable table_;
};
static_assert(sizeof(Condition) == 8 + sizeof(WaiterTable));
static_assert(std::is_standard_layout_v<Condition>);

}  // namespace nativeconc::shared
