// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/lock.hpp"

#include <ctime>

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/slice.hpp"

namespace nativeconc::shared {
namespace {

std::int64_t wall_clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

DeadOwner Lock::death() const {
  const std::int64_t found_ns = found_ns_.load(std::memory_order_acquire);
  if (found_ns == 0) return {};
  return {pid_.load(std::memory_order_relaxed), tid_.load(std::memory_order_relaxed), found_ns};
}

void Lock::write_death(const DeadOwner& death) {
  pid_.store(death.pid, std::memory_order_relaxed);
  tid_.store(death.tid, std::memory_order_relaxed);
  fault_point();
  // release: pairs with the acquire in death()
  found_ns_.store(death.found_ns, std::memory_order_release);
}

// This thread becomes the owner in place of a dead one. False if another was faster.
bool Lock::bury(ThreadNumber dead, ThreadNumber me) {
  const ThreadIdentity who = identify(dead);
  if (!lock_.try_replace_owner(dead, me)) return false;
  fault_point();
  // If the dead one had itself taken it in doubt, and not made it whole, then it is in doubt
  // because of the one before.
  if (found_ns_.load(std::memory_order_relaxed) == 0)
    write_death({who.pid, who.tid, wall_clock_ns()});
  fault_point();
  return true;
}

// For one that has found it free but kept for a waiter: does that one not come, for a slice now?
bool Lock::is_kept_in_vain() {
  constexpr std::uint32_t kSliceMs = kSliceNs / 1'000'000;
  const auto now_ms = static_cast<std::uint32_t>(monotonic_ns() / 1'000'000);
  const std::uint32_t queue = lock_.queue();
  const std::uint64_t seen = kept_.load(std::memory_order_relaxed);
  if (seen != 0 && static_cast<std::uint32_t>(seen) == queue) {
    return now_ms - static_cast<std::uint32_t>(seen >> 32) > kSliceMs;
  }
  kept_.store(std::uint64_t{now_ms} << 32 | queue, std::memory_order_relaxed);
  return false;
}

Lock::Entry Lock::look(ThreadNumber me, IfDead if_dead) {
  for (;;) {
    const ThreadNumber owner = lock_.owner();
    if (owner == kNobody) {
      if (lock_.try_acquire(me)) return Entry::acquired;
      if (!is_kept_in_vain()) return Entry::timed_out;
      lock_.forget_waiters();
      continue;
    }
    if (owner == kInDoubt) {
      if (if_dead == IfDead::leave_in_doubt) return Entry::in_doubt;
      if (!lock_.try_replace_owner(kInDoubt, me)) continue;
      return Entry::acquired_in_doubt;
    }
    if (owner == me || !is_thread_dead(owner)) return Entry::timed_out;
    if (!bury(owner, me)) continue;
    if (if_dead == IfDead::take_over) return Entry::acquired_in_doubt;
    release_in_doubt(me);
    return Entry::in_doubt;
  }
}

Lock::Entry Lock::acquire(ThreadNumber me, Deadline deadline, Waiter& waiter, IfDead if_dead) {
  bool was_free = false;
  for (;;) {
    const Entry seen = look(me, if_dead);
    if (seen != Entry::timed_out) return seen;
    switch (lock_.acquire(me, next_slice(deadline), waiter)) {
      case WaitResult::acquired:
        if (kept_.load(std::memory_order_relaxed) != 0) kept_.store(0, std::memory_order_relaxed);
        return Entry::acquired;
      case WaitResult::interrupted:
        return Entry::interrupted;
      default:
        break;
    }
    // Free for a whole slice, and kept for another, who does not come: it is dead, or stopped.
    const bool is_free = lock_.owner() == kNobody;
    if (is_free && was_free) lock_.forget_waiters();
    was_free = is_free;
    const Entry last = look(me, if_dead);
    if (last != Entry::timed_out) return last;
    if (deadline.has_passed()) return Entry::timed_out;
  }
}

bool Lock::release(ThreadNumber me) {
  if (lock_.owner() != me) return false;
  if (found_ns_.load(std::memory_order_relaxed) != 0) {
    make_whole();
    fault_point();
  }
  return lock_.release_from(me);
}

bool Lock::release_in_doubt(ThreadNumber me) {
  if (!lock_.try_replace_owner(me, kInDoubt)) return false;
  fault_point();
  // All are to be told, now. Those that a death here leaves asleep look after a slice.
  lock_.wake_all();
  return true;
}

}  // namespace nativeconc::shared
