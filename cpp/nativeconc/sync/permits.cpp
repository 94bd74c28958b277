// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/permits.hpp"

#include <bit>

#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/os/futex.hpp"

namespace nativeconc::sync {

using os::FutexResult;
using os::Scope;

namespace {

constexpr std::uint32_t kAnyWaiter = 1;  // futex channels
constexpr std::uint32_t kTheHeir = 2;

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "the futex word must be the low half of the state");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

const std::uint32_t* Permits::futex_word() const {
  return reinterpret_cast<const std::uint32_t*>(&state_);
}

std::uint64_t Permits::current_generation() {
  return (std::uint64_t{os::fork_generation()} << kGenerationShift) & kGeneration;
}

void Permits::wake(std::uint64_t state) const {
  os::futex_wake_one(futex_word(), Scope::threads,
                     has_heir(state) ? kTheHeir : kAnyWaiter | kTheHeir);
}

bool Permits::try_acquire_after_fork() {
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t clean = without_stale_waiters(state);
    if (!has_free(clean)) return false;
    if (state_.compare_exchange_weak(state, clean - kOnePermit, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return true;
    }
  }
}

bool Permits::release_to_waiters(std::uint32_t n, std::uint32_t max) {
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t clean = without_stale_waiters(state);
    if (permits_of(clean) + std::uint64_t{n} > max) return false;
    std::uint64_t next = clean + n * kOnePermit;
    const bool must_wake = queue_of(clean) != 0 && (clean & kWoken) == 0;
    if (must_wake) next |= kWoken;
    if (state_.compare_exchange_weak(state, next, std::memory_order_release,
                                     std::memory_order_relaxed)) {
      if (must_wake) wake(next);
      return true;
    }
  }
}

WaitResult Permits::acquire(Deadline deadline, Waiter& waiter) {
  if (waiter.since_ns == 0) waiter.since_ns = monotonic_ns();
  bool registered = false;
  bool is_heir = false;
  FutexResult reason = FutexResult::woken;

  // Each turn looks at the state, makes one transition, and either leaves or sleeps.
  for (;;) {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint64_t clean = without_stale_waiters(state);
      std::uint64_t next = clean;
      enum { take, give_up, sleep } decision = sleep;

      if (is_heir ? permits_of(clean) > 0 : has_free(clean)) {
        decision = take;
        next -= kOnePermit;
      } else if (reason != FutexResult::woken) {
        decision = give_up;
      }
      if (decision == sleep) {
        if (!registered) next = ((next & ~kGeneration) | current_generation()) + kOneWaiter;
        if (!is_heir && !has_heir(clean) && monotonic_ns() - waiter.since_ns >= kHandOverNs) {
          next |= kHeir;
        }
      } else {
        if (registered) next -= kOneWaiter;
        if (is_heir) next &= ~kHeir;
      }

      // Invariants IV, then I and II: whoever looks clears the mark, or renews it and wakes.
      bool must_wake = false;
      if ((next & kWaiters) == 0) {
        next &= ~kQueue;
      } else {
        must_wake = permits_of(next) > 0;
        next = must_wake ? next | kWoken : next & ~kWoken;
      }

      // acquire: pairs with release(). release: a take must not sink below what a later taker sees.
      if (!state_.compare_exchange_weak(state, next, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
        continue;
      }
      if (must_wake) wake(next);
      if (decision == take) return WaitResult::acquired;
      if (decision == give_up) {
        return reason == FutexResult::interrupted ? WaitResult::interrupted : WaitResult::timed_out;
      }
      is_heir = is_heir || (has_heir(next) && !has_heir(clean));
      registered = true;
      state = next;
      break;
    }
    reason = os::futex_wait(futex_word(), queue_of(state), deadline, Scope::threads,
                            is_heir ? kTheHeir : kAnyWaiter);
  }
}

}  // namespace nativeconc::sync
