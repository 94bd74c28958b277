// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/barrier.hpp"

#include <new>

#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/os/futex.hpp"

namespace nativeconc::sync {

using os::FutexResult;
using os::Scope;

namespace {

const std::uint32_t* futex_word(const Barrier::Round& round) {
  return reinterpret_cast<const std::uint32_t*>(&round.outcome);
}

// acquire: pairs with the release in end_round()
Barrier::Outcome outcome_of(const Barrier::Round& round) {
  return static_cast<Barrier::Outcome>(round.outcome.load(std::memory_order_acquire));
}

}  // namespace

struct Barrier::Guard {
  explicit Guard(Barrier& barrier) : lock(barrier.mutex_) {
    if (lock.whole() && barrier.generation_ == os::fork_generation()) return;
    barrier.generation_ = os::fork_generation();
    barrier.round_ = nullptr;  // it belongs to threads of the parent
  }
  const os::ShortLock lock;
};

// Wakes the threads of a round once the mutex is free, which they need next. The round may be gone
// by then: the wake-up uses its address alone.
class Barrier::Sleepers {
 public:
  Sleepers() = default;
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;
  ~Sleepers() {
    if (word_ != nullptr) os::futex_wake_all(word_, Scope::threads);
  }

  void end(Round& round, Outcome outcome) {
    // release: what came before the last arrival is seen by those who go on
    round.outcome.store(static_cast<std::uint32_t>(outcome), std::memory_order_release);
    word_ = futex_word(round);
  }

 private:
  const std::uint32_t* word_ = nullptr;
};

void Barrier::break_gathering(Sleepers& sleepers) {
  if (round_ != nullptr) sleepers.end(*round_, Outcome::broken);
  round_ = nullptr;
}

void Barrier::let_go(Round* round) {
  if (--round->users == 0) delete round;
}

Barrier::Arrival Barrier::arrive() {
  const Guard guard(*this);
  if (broken_) return {Role::broken, 0, nullptr};
  if (round_ == nullptr) {
    round_ = new (std::nothrow) Round;
    if (round_ == nullptr) return {Role::no_memory, 0, nullptr};
    round_->generation = generation_;
  }
  Round* round = round_;
  const std::uint32_t index = round->arrived++;
  ++round->users;
  if (round->arrived < parties()) return {Role::waits, index, round};
  round_ = nullptr;
  return {Role::last, index, round};
}

void Barrier::finish(Round* round, Outcome outcome) {
  Sleepers of_this_round;
  Sleepers of_the_next;
  const Guard guard(*this);
  of_this_round.end(*round, outcome);
  let_go(round);
  if (outcome != Outcome::broken) return;
  broken_ = true;
  break_gathering(of_the_next);
}

WaitResult Barrier::wait(Round& round, Deadline deadline) {
  if (round.generation != os::fork_generation()) {
    // A signal handler forked, and this is the child: the others of the round are not here.
    round.outcome.store(static_cast<std::uint32_t>(Outcome::broken), std::memory_order_relaxed);
  }
  for (;;) {
    if (outcome_of(round) != Outcome::open) return WaitResult::acquired;
    constexpr auto kOpen = static_cast<std::uint32_t>(Outcome::open);
    switch (os::futex_wait(futex_word(round), kOpen, deadline, Scope::threads)) {
      case FutexResult::woken:
        break;
      case FutexResult::timed_out:
        return outcome_of(round) == Outcome::open ? WaitResult::timed_out : WaitResult::acquired;
      case FutexResult::interrupted:
        return WaitResult::interrupted;
    }
  }
}

Barrier::Outcome Barrier::leave(Round* round, Leaving how) {
  Sleepers sleepers;
  const Guard guard(*this);
  const Outcome outcome = outcome_of(*round);
  const bool gathers = outcome == Outcome::open && round == round_;
  if (outcome == Outcome::open && !gathers && how == Leaving::give_up) return Outcome::complete;
  if (gathers && how == Leaving::give_up) {
    broken_ = true;
    break_gathering(sleepers);
  } else if (gathers) {
    --round->arrived;
    if (round->arrived == 0) round_ = nullptr;
  }
  let_go(round);
  return outcome;
}

void Barrier::abort() {
  Sleepers sleepers;
  const Guard guard(*this);
  broken_ = true;
  break_gathering(sleepers);
}

void Barrier::reset() {
  Sleepers sleepers;
  const Guard guard(*this);
  broken_ = false;
  break_gathering(sleepers);
}

std::uint32_t Barrier::waiting() {
  const Guard guard(*this);
  return round_ == nullptr ? 0 : round_->arrived;
}

bool Barrier::is_broken() {
  const Guard guard(*this);
  return broken_;
}

void Barrier::reinit(std::uint32_t parties) {
  reset();
  parties_.store(parties, std::memory_order_relaxed);
}

}  // namespace nativeconc::sync
