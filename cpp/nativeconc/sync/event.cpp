// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/event.hpp"

#include "nativeconc/os/futex.hpp"

namespace nativeconc::sync {

using os::FutexResult;
using os::Scope;

namespace {

const std::uint32_t* low_half(const std::atomic<std::uint64_t>& word) {
  return reinterpret_cast<const std::uint32_t*>(&word);
}

}  // namespace

template <Scope kScope>
void BasicEvent<kScope>::wake_all() const {
  os::futex_wake_all(low_half(word_), kScope);
}

template <Scope kScope>
WaitResult BasicEvent<kScope>::wait(std::uint64_t epoch, Deadline deadline) {
  std::uint64_t now = word_.load(std::memory_order_acquire);
  FutexResult woken_by = FutexResult::woken;
  for (;;) {
    if (is_over(now, epoch)) return WaitResult::acquired;
    if (woken_by == FutexResult::timed_out) return WaitResult::timed_out;
    if (woken_by == FutexResult::interrupted) return WaitResult::interrupted;
    if ((now & kWaiters) == 0 &&
        !word_.compare_exchange_weak(now, now | kWaiters, std::memory_order_acquire,
                                     std::memory_order_acquire)) {
      continue;
    }
    woken_by = os::futex_wait(low_half(word_), static_cast<std::uint32_t>(now | kWaiters), deadline,
                              kScope);
    now = word_.load(std::memory_order_acquire);
  }
}

template class BasicEvent<Scope::threads>;
template class BasicEvent<Scope::processes>;

}  // namespace nativeconc::sync
