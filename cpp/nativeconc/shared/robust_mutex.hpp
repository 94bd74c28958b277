// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The mutex that guards a primitive's own fields in shared memory, for a few instructions at a
// time, and that survives the death of whoever holds it.
//
// Any thread of any process. Nobody runs Python or waits for anything else while holding one. All
// zero bytes are a free mutex.
//
// lock() says `owner_died` when the one before died inside: what the mutex guards may be half
// changed, and the caller, who holds it now, first makes it whole. A holder that is stopped, not
// dead, keeps others waiting, but only until their deadlines, and a signal ends the wait.
//
//   bit  31     contended: somebody may sleep, so unlock() must wake
//   bits 0..29  the number of the owner (thread_directory.hpp), or 0: free
//
// Invariants: whoever has slept takes the mutex with `contended` set, so that the last of several
// sleepers is woken too; a wake-up that is lost with a dead thread costs a slice (slice.hpp).
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/thread_directory.hpp"

namespace nativeconc::shared {

class RobustMutex {
 public:
  enum class [[nodiscard]] Taken { clean, owner_died, timed_out, interrupted };

  // `me` is this_thread_number(). Blocks; may be called with the GIL only if the deadline is near.
  Taken lock(ThreadNumber me, Deadline deadline) {
    std::uint32_t free = 0;
    // acquire: pairs with the release in unlock()
    if (word_.compare_exchange_strong(free, me, std::memory_order_acquire,
                                      std::memory_order_relaxed)) [[likely]] {
      fault_point();
      return Taken::clean;
    }
    return lock_slowly(me, deadline);
  }

  void unlock() {
    fault_point();
    if ((word_.exchange(0, std::memory_order_release) & kContended) != 0) [[unlikely]]
      wake();
  }

  // Of a snapshot; kNobody if it is free.
  ThreadNumber owner() const { return word_.load(std::memory_order_relaxed) & kMaxNumber; }

 private:
  static constexpr std::uint32_t kContended = 1U << 31;

  Taken lock_slowly(ThreadNumber me, Deadline deadline);
  void wake() const;

  std::atomic<std::uint32_t> word_{0};
};
static_assert(sizeof(RobustMutex) == 4);

}  // namespace nativeconc::shared
