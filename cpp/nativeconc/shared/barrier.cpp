// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/barrier.hpp"

#include "nativeconc/os/futex.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/slice.hpp"

namespace nativeconc::shared {

using os::FutexResult;
using os::Scope;

namespace {

using Outcome = Barrier::Outcome;

constexpr std::uint64_t kFree = 0;
constexpr int kOutcomeShift = 30;
constexpr std::uint64_t kOutcome = std::uint64_t{3} << kOutcomeShift;
constexpr int kRoundShift = 32;
constexpr std::uint32_t kMaxRound = (1U << 30) - 1;
constexpr std::uint64_t kAbandoned = std::uint64_t{1} << 62;

constexpr int kActBits = 2;

ThreadNumber thread_of(std::uint64_t entry) {
  return static_cast<ThreadNumber>(entry) & kMaxNumber;
}
std::uint32_t round_of(std::uint64_t entry) {
  return static_cast<std::uint32_t>(entry >> kRoundShift) & kMaxRound;
}
Outcome outcome_of(std::uint64_t entry) {
  return static_cast<Outcome>((entry & kOutcome) >> kOutcomeShift);
}
std::uint64_t with_outcome(std::uint64_t entry, Outcome outcome) {
  return entry | static_cast<std::uint64_t>(outcome) << kOutcomeShift;
}
bool is_open(std::uint64_t entry) { return entry != kFree && (entry & kOutcome) == 0; }
bool is_lost(std::uint64_t entry) {
  return entry != kFree && ((entry & kAbandoned) != 0 || is_thread_dead(thread_of(entry)));
}

const std::uint32_t* futex_word(const std::atomic<std::uint32_t>& word) {
  return reinterpret_cast<const std::uint32_t*>(&word);
}

}  // namespace

class Barrier::Guard {
 public:
  Guard(Barrier& barrier, ThreadNumber me, Deadline deadline)
      : barrier_(barrier),
        before_(barrier.changes_.load(std::memory_order_relaxed)),
        taken_(barrier.mutex_.lock(me, deadline)) {
    // acquire: pairs with the release in carry_out(); what the dead one did before is seen by those
    // who go on
    const std::uint32_t intent =
        is_held() ? barrier.intent_.load(std::memory_order_acquire) : std::uint32_t{0};
    if (intent != 0) barrier.complete(intent);
  }
  ~Guard() {
    if (!is_held()) return;
    barrier_.mutex_.unlock();
    fault_point();
    if (barrier_.changes_.load(std::memory_order_relaxed) != before_) {
      os::futex_wake_all(futex_word(barrier_.changes_), Scope::processes);
    }
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  bool is_held() const {
    return taken_ == RobustMutex::Taken::clean || taken_ == RobustMutex::Taken::owner_died;
  }

  // As the caller's answer, if it is not held.
  template <class Answer>
  Answer failure() const {
    return taken_ == RobustMutex::Taken::interrupted ? Answer::interrupted : Answer::timed_out;
  }

 private:
  Barrier& barrier_;
  const std::uint32_t before_;
  const RobustMutex::Taken taken_;
};

// --- under the mutex

void Barrier::carry_out(Act act, std::uint32_t round) {
  const std::uint32_t intent = round << kActBits | static_cast<std::uint32_t>(act);
  fault_point();
  intent_.store(intent, std::memory_order_release);
  fault_point();
  complete(intent);
}

void Barrier::complete(std::uint32_t intent) {
  const auto act = static_cast<Act>(intent & ((1U << kActBits) - 1));
  const std::uint32_t round = intent >> kActBits;
  const std::uint32_t gathering = round_.load(std::memory_order_relaxed);
  if (act != Act::trip) {
    broken_.store(act == Act::break_up ? 1 : 0, std::memory_order_relaxed);
    fault_point();
  }
  const Outcome outcome = act == Act::trip ? Outcome::tripped : Outcome::broken;
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < span; ++i) {
    std::uint64_t now = entries_[i].load(std::memory_order_relaxed);
    while (is_open(now) &&
           (round_of(now) == round || (act != Act::trip && round_of(now) == gathering))) {
      // release: what came before the last arrival is seen by those who go on
      if (entries_[i].compare_exchange_weak(now, with_outcome(now, outcome),
                                            std::memory_order_release, std::memory_order_relaxed)) {
        fault_point();
        break;
      }
    }
  }
  // release: whoever sees it sees the entries
  changes_.fetch_add(1, std::memory_order_release);
  fault_point();
  intent_.store(0, std::memory_order_relaxed);
  fault_point();
}

// Breaks the rounds of those who are lost, and the barrier; false if there are none.
bool Barrier::break_for_the_lost() {
  bool found = false;
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < span; ++i) {
    const std::uint64_t now = entries_[i].load(std::memory_order_relaxed);
    if (!is_open(now) || !is_lost(now)) continue;
    carry_out(Act::break_up, round_of(now));
    found = true;
  }
  return found;
}

// --- without it

bool Barrier::is_any_lost() const {
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < span; ++i) {
    const std::uint64_t now = entries_[i].load(std::memory_order_relaxed);
    if (is_open(now) && is_lost(now)) return true;
  }
  return false;
}

// What those who wait do after each slice: nobody else may come to see who has died.
void Barrier::look_after(ThreadNumber me) {
  if (intent_.load(std::memory_order_relaxed) == 0 && !is_any_lost()) return;
  const Guard guard(*this, me, Deadline::after(kSliceNs));
  if (guard.is_held()) break_for_the_lost();
}

Barrier::Arrival Barrier::arrive(ThreadNumber me, Deadline deadline) {
  const Guard guard(*this, me, deadline);
  if (!guard.is_held()) return {guard.failure<Role>(), 0, {}};
  if (break_for_the_lost() || broken_.load(std::memory_order_relaxed) != 0) {
    return {Role::broken, 0, {}};
  }
  const std::uint32_t round = round_.load(std::memory_order_relaxed);
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  std::uint32_t place = span;
  std::uint32_t arrived = 0;
  for (std::uint32_t i = 0; i < span; ++i) {
    const std::uint64_t now = entries_[i].load(std::memory_order_relaxed);
    if (is_open(now)) {
      arrived += round_of(now) == round ? 1 : 0;
    } else if (place == span && (now == kFree || is_lost(now))) {
      place = i;
    }
  }
  if (place == kMostParties) return {Role::no_room, 0, {}};
  if (place == span) span_.store(span + 1, std::memory_order_relaxed);
  fault_point();
  entries_[place].store(std::uint64_t{round} << kRoundShift | me, std::memory_order_relaxed);
  fault_point();
  if (arrived + 1 < parties()) return {Role::waits, arrived, {place, me}};
  round_.store((round + 1) & kMaxRound, std::memory_order_relaxed);
  fault_point();
  return {Role::last, arrived, {place, me}};
}

Outcome Barrier::finish(ThreadNumber me, const Place& place, Outcome outcome, Deadline deadline) {
  if (place.thread != me) return Outcome::broken;
  const Guard guard(*this, me, deadline);
  if (!guard.is_held()) return guard.failure<Outcome>();
  std::atomic<std::uint64_t>& mine = entries_[place.index];
  break_for_the_lost();
  const std::uint64_t now = mine.load(std::memory_order_relaxed);
  if (is_open(now)) {
    carry_out(outcome == Outcome::tripped ? Act::trip : Act::break_up, round_of(now));
  }
  const Outcome result = outcome_of(mine.load(std::memory_order_relaxed));
  mine.store(kFree, std::memory_order_relaxed);
  fault_point();
  return result;
}

WaitResult Barrier::wait(ThreadNumber me, const Place& place, Deadline deadline) {
  if (place.thread != me) return WaitResult::acquired;
  bool is_over = false;
  for (;;) {
    // acquire: pairs with the release in complete(), as does the next one
    const std::uint32_t changes = changes_.load(std::memory_order_acquire);
    const std::uint64_t now = entries_[place.index].load(std::memory_order_acquire);
    if (!is_open(now)) return WaitResult::acquired;
    if (is_over) return WaitResult::timed_out;
    fault_point();
    switch (os::futex_wait(futex_word(changes_), changes, next_slice(deadline), Scope::processes)) {
      case FutexResult::woken:
        break;
      case FutexResult::timed_out:
        look_after(me);
        is_over = deadline.has_passed();
        break;
      case FutexResult::interrupted:
        return WaitResult::interrupted;
    }
  }
}

Outcome Barrier::leave(ThreadNumber me, const Place& place, Leaving how) {
  if (place.thread != me) return Outcome::broken;
  std::atomic<std::uint64_t>& mine = entries_[place.index];
  std::uint64_t now = mine.load(std::memory_order_acquire);
  if (is_open(now) && how == Leaving::give_up) {
    const Guard guard(*this, me, Deadline::after(kSliceNs));
    now = mine.load(std::memory_order_acquire);
    const bool gathers = round_of(now) == round_.load(std::memory_order_relaxed);
    if (is_open(now) && !gathers) return Outcome::complete;
    if (is_open(now) && !guard.is_held()) {
      abandon(me, place);
      return Outcome::open;
    }
    if (is_open(now)) {
      carry_out(Act::break_up, round_of(now));
      mine.store(kFree, std::memory_order_relaxed);
      fault_point();
      return Outcome::open;
    }
  }
  while (is_open(now)) {
    fault_point();
    if (mine.compare_exchange_weak(now, kFree, std::memory_order_acquire,
                                   std::memory_order_acquire)) {
      return Outcome::open;
    }
  }
  fault_point();
  mine.store(kFree, std::memory_order_relaxed);
  fault_point();
  return outcome_of(now);
}

void Barrier::abandon(ThreadNumber me, const Place& place) {
  if (place.thread != me) return;
  fault_point();
  entries_[place.index].fetch_or(kAbandoned, std::memory_order_relaxed);
}

WaitResult Barrier::abort(ThreadNumber me, Deadline deadline) {
  const Guard guard(*this, me, deadline);
  if (!guard.is_held()) return guard.failure<WaitResult>();
  carry_out(Act::break_up, round_.load(std::memory_order_relaxed));
  return WaitResult::acquired;
}

WaitResult Barrier::reset(ThreadNumber me, Deadline deadline) {
  const Guard guard(*this, me, deadline);
  if (!guard.is_held()) return guard.failure<WaitResult>();
  break_for_the_lost();
  carry_out(Act::reset, round_.load(std::memory_order_relaxed));
  return WaitResult::acquired;
}

std::uint32_t Barrier::waiting() const {
  const std::uint32_t round = round_.load(std::memory_order_relaxed);
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < span; ++i) {
    const std::uint64_t now = entries_[i].load(std::memory_order_relaxed);
    count += is_open(now) && round_of(now) == round && !is_lost(now) ? 1 : 0;
  }
  return count;
}

bool Barrier::is_broken() const {
  return broken_.load(std::memory_order_relaxed) != 0 || is_any_lost();
}

}  // namespace nativeconc::shared
