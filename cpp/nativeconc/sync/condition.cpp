// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/condition.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/os/futex.hpp"

namespace nativeconc::sync {

using os::FutexResult;
using os::Scope;

namespace {

const std::uint32_t* futex_word(const Condition::Waiter& waiter) {
  return reinterpret_cast<const std::uint32_t*>(&waiter.state);
}

}  // namespace

struct Condition::Guard {
  explicit Guard(Condition& condition) : lock(condition.mutex_) {
    if (lock.whole() && condition.generation_ == os::fork_generation()) return;
    condition.generation_ = os::fork_generation();
    condition.count_ = 0;
    condition.first_ = condition.last_ = nullptr;
  }
  const os::ShortLock lock;
};

void Condition::append(Waiter& waiter) {
  waiter.generation = generation_;
  waiter.before = last_;
  waiter.after = nullptr;
  (last_ == nullptr ? first_ : last_->after) = &waiter;
  last_ = &waiter;
  ++count_;
}

void Condition::unlink(Waiter& waiter) {
  (waiter.before == nullptr ? first_ : waiter.before->after) = waiter.after;
  (waiter.after == nullptr ? last_ : waiter.after->before) = waiter.before;
  --count_;
}

Condition::Waiter* Condition::enter() {
  auto* waiter = new (std::nothrow) Waiter;
  if (waiter == nullptr) return nullptr;
  const Guard guard(*this);
  append(*waiter);
  return waiter;
}

WaitResult Condition::wait(Waiter& waiter, Deadline deadline) {
  if (waiter.generation != kNoList && waiter.generation != os::fork_generation()) {
    // A signal handler forked, and this is the child, whose list has been emptied.
    const Guard guard(*this);
    if (!is_notified(waiter)) append(waiter);
  }
  for (;;) {
    State now = State::awake;
    // acquire: as in is_notified
    waiter.state.compare_exchange_strong(now, State::asleep, std::memory_order_acquire);
    if (now == State::notified) return WaitResult::acquired;
    constexpr auto kAsleep = static_cast<std::uint32_t>(State::asleep);
    switch (os::futex_wait(futex_word(waiter), kAsleep, deadline, Scope::threads)) {
      case FutexResult::woken:
        break;
      case FutexResult::timed_out:
        return WaitResult::timed_out;
      case FutexResult::interrupted:
        return WaitResult::interrupted;
    }
  }
}

bool Condition::leave(Waiter* waiter) {
  bool notified = is_notified(*waiter);
  if (!notified) {
    const Guard guard(*this);
    notified = is_notified(*waiter);
    if (!notified && waiter->generation == generation_) unlink(*waiter);
  }
  delete waiter;
  return notified;
}

std::uint64_t Condition::notify(std::uint64_t n, os::Wake when) {
  constexpr std::size_t kBatch = 32;
  std::array<const std::uint32_t*, kBatch> sleepers{};
  std::uint64_t notified = 0;
  for (bool more = n > 0; more;) {
    std::size_t batch = 0;
    std::size_t asleep = 0;
    {
      const Guard guard(*this);
      while (first_ != nullptr && batch < kBatch && notified + batch < n) {
        Waiter& waiter = *first_;
        unlink(waiter);
        ++batch;
        const std::uint32_t* const word = futex_word(waiter);
        // release: pairs with the acquire in is_notified. The waiter may be gone after it.
        const State was = waiter.state.exchange(State::notified, std::memory_order_release);
        if (was == State::asleep) sleepers[asleep++] = word;
      }
      more = first_ != nullptr && notified + batch < n;
    }
    for (std::size_t i = 0; i < asleep; ++i) os::wake_one(sleepers[i], Scope::threads, when);
    notified += batch;
  }
  return notified;
}

std::uint32_t Condition::waiters() {
  const Guard guard(*this);
  return count_;
}

void Condition::reset() {
  const Guard guard(*this);
  for (Waiter* waiter = first_; waiter != nullptr; waiter = waiter->after) {
    waiter->generation = kNoList;
  }
  count_ = 0;
  first_ = last_ = nullptr;
}

}  // namespace nativeconc::sync
