// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/robust_mutex.hpp"

#include "nativeconc/os/futex.hpp"
#include "nativeconc/shared/slice.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::shared {

using os::FutexResult;
using os::Scope;

namespace {

const std::uint32_t* futex_word(const std::atomic<std::uint32_t>& word) {
  return reinterpret_cast<const std::uint32_t*>(&word);
}

}  // namespace

void RobustMutex::wake() const {
  fault_point();
  os::futex_wake_one(futex_word(word_), Scope::processes);
}

RobustMutex::Taken RobustMutex::lock_slowly(ThreadNumber me, Deadline deadline) {
  // It is held for some instructions only, so it will be free in a moment, if its owner runs.
  const auto try_free = [&] {
    std::uint32_t free = 0;
    return word_.compare_exchange_strong(free, me, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  };
  if (sync::spin(try_free)) return Taken::clean;
  std::uint32_t contended = 0;  // what this thread takes it with, once it has slept
  FutexResult woken_by = FutexResult::woken;
  bool may_be_dead = true;
  for (;;) {
    std::uint32_t now = word_.load(std::memory_order_relaxed);
    const ThreadNumber owner = now & kMaxNumber;
    const bool is_dead = owner != kNobody && may_be_dead && is_thread_dead(owner);
    may_be_dead = false;
    if (owner == kNobody || is_dead) {
      if (word_.compare_exchange_strong(now, me | contended | (now & kContended),
                                        std::memory_order_acquire, std::memory_order_relaxed)) {
        fault_point();
        return is_dead ? Taken::owner_died : Taken::clean;
      }
      continue;
    }
    if (woken_by == FutexResult::interrupted) return Taken::interrupted;
    if (deadline.has_passed()) return Taken::timed_out;
    if ((now & kContended) == 0 &&
        !word_.compare_exchange_strong(now, now | kContended, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
      continue;
    }
    woken_by =
        os::futex_wait(futex_word(word_), now | kContended, next_slice(deadline), Scope::processes);
    contended = kContended;
    may_be_dead = woken_by == FutexResult::timed_out;
  }
}

}  // namespace nativeconc::shared
