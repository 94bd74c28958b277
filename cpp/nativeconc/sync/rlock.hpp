// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A lock that its owner may take again, and must release as often. Only the owner can release it.
//
// Any thread. Sleeping, fairness and fork are Lock's. Only the owner reads and writes the depth to
// decide anything; it is atomic so that others may look at it for a report.
#pragma once

#include <atomic>
#include <limits>

#include "nativeconc/sync/lock.hpp"

namespace nativeconc::sync {

class RLock {
 public:
  static constexpr std::uint32_t kMaxDepth = std::numeric_limits<std::uint32_t>::max();

  bool is_owned_by(ThreadId me) const { return lock_.owner() == me; }

  // Takes it if it is free, or `me` has it already. Never blocks.
  // The caller has made sure that the depth is less than kMaxDepth.
  bool try_acquire(ThreadId me) {
    if (is_owned_by(me)) {
      set_depth(depth() + 1);
      return true;
    }
    if (!lock_.try_acquire(me)) return false;
    set_depth(1);
    return true;
  }

  // See PermitQueue::spin.
  bool spin(ThreadId me) {
    const bool taken = lock_.spin(me);
    if (taken) set_depth(1);
    return taken;
  }

  // Waits until it is free. Blocks; call it without the GIL.
  WaitResult acquire(ThreadId me, Deadline deadline, Waiter& waiter) {
    if (is_owned_by(me)) {  // a signal handler of this wait has taken it, and keeps it
      set_depth(depth() + 1);
      return WaitResult::acquired;
    }
    const WaitResult result = lock_.acquire(me, deadline, waiter);
    if (result == WaitResult::acquired) set_depth(1);
    return result;
  }

  // Returns false, and changes nothing, if `me` does not have it. Never blocks.
  bool release(ThreadId me) {
    if (!is_owned_by(me)) return false;
    if (depth() > 1) {
      set_depth(depth() - 1);
    } else {
      set_depth(0);
      lock_.release();
    }
    return true;
  }

  // How often the owner has taken it. For others a snapshot.
  std::uint32_t depth() const { return depth_.load(std::memory_order_relaxed); }

  // The owner alone: pretends to have taken it so often.
  void set_depth(std::uint32_t depth) { depth_.store(depth, std::memory_order_relaxed); }

  const Lock& lock() const { return lock_; }

  // See PermitQueue::rouse.
  void rouse() { lock_.rouse(); }

  // Makes it free, whoever has it.
  void reset() {
    set_depth(0);
    lock_.reset();
  }

 private:
  Lock lock_;
  std::atomic<std::uint32_t> depth_{0};
};

}  // namespace nativeconc::sync
