// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A mutual-exclusion lock that knows who has it: the owner's number is what its word holds.
//
// Any thread may take it, and any thread may release it. Taking it when it is free, and releasing
// it when nobody waits, are one compare-and-swap each, so there is no moment at which it is taken
// but its owner is not known, not even for a child forked in between. Sleeping, fairness and fork:
// see permit_queue.hpp. The layout of the word and the invariants: see permit_state.hpp.
#pragma once

#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/sync/permit_queue.hpp"

namespace nativeconc::sync {

using deadlock::ThreadId;

// Among processes the owner is a number that means a thread of any of them
// (shared/thread_directory.hpp), and what to do about owners and waiters that die is the business
// of shared/lock.hpp.
template <os::Scope kScope>
class BasicLock {
 public:
  BasicLock() : queue_(deadlock::kNobody) {}

  // `me` is deadlock::this_thread() in all that follows. Never blocks.
  bool try_acquire(ThreadId me) { return queue_.try_take(me); }

  // See PermitQueue::spin.
  bool spin(ThreadId me) { return queue_.spin(me); }

  // Waits until it is free. Blocks; call it without the GIL.
  WaitResult acquire(ThreadId me, Deadline deadline, Waiter& waiter) {
    return queue_.take(me, deadline, waiter);
  }

  // Returns false if it is not locked. Never blocks.
  bool release() {
    OwnerState state = queue_.load();
    while (state.stock() != deadlock::kNobody) {
      if (try_release(state)) return true;
    }
    return false;
  }

  // The same, but only if this thread has it.
  bool release_from(ThreadId owner) {
    OwnerState state = queue_.load();
    while (state.stock() == owner) {
      if (try_release(state)) return true;
    }
    return false;
  }

  ThreadId owner() const { return queue_.load().stock(); }

  // A snapshot. A free lock that is kept for the heir counts as locked.
  bool is_locked() const { return queue_.available() == 0; }

  // Who waits, and whether it is kept for one of them: a snapshot that means nothing but whether it
  // has changed.
  std::uint32_t queue() const { return queue_.load().queue(); }

  // See PermitQueue::rouse.
  void rouse() { queue_.rouse(); }

  // Makes it free, whoever has it.
  void reset() { queue_.refill(deadlock::kNobody); }

  // See PermitQueue.
  bool try_replace_owner(ThreadId owner, ThreadId next) { return queue_.try_replace(owner, next); }
  void wake_all() const { queue_.wake_all(); }
  void forget_waiters() { queue_.forget_waiters(); }

 private:
  bool try_release(OwnerState& state) {
    return state.queue() == 0 ? queue_.try_give(state, deadlock::kNobody)
                              : queue_.try_give_to_waiters(state, deadlock::kNobody);
  }

  PermitQueue<Stock::owned, kScope> queue_;
};

using Lock = BasicLock<os::Scope::threads>;

}  // namespace nativeconc::sync
