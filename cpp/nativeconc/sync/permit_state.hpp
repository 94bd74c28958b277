// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The state machine behind locks and semaphores, as pure functions on one 64-bit word. permits.hpp
// and lock.hpp make it atomic, permit_queue.hpp puts threads to sleep;
// tests/cpp/sync/permits_model_test.cpp runs these same functions through every schedule of a few
// threads.
//
// Constant expressions: may be called from anywhere.
//
// The low half of the word is the futex word; the high half is what they wait for, and differs:
//
//   bits 32..63  permits     Counted: how many may be taken
//                owner       Owned: the thread that has the one permit, or 0 when it is free
//   bits 24..31  generation  fork generation (mod 256) of the waiters; 0 when there are none
//   bits  2..23  waiters     threads that sleep here or are about to look (Linux has at most 2^22)
//   bit   1      heir        one waiter is owed the next permit; newcomers leave it that one
//   bit   0      woken       a messenger is on its way: no need to wake another
//
// Invariants:
//   I.   a permit to take and waiters > 0 imply woken. (Every transition keeps it.)
//   II.  woken implies a messenger: a registered waiter that is awake, or that the thread which set
//   the
//        bit is just waking, and that will look at the word before it sleeps again. Whoever looks
//        either clears the bit (then I says there is nothing to take) or sets it anew and wakes
//        again.
//   III. A waiter goes to sleep only on a word without woken, except while a permit is kept for
//   another
//        that is the heir; and the heir itself always sleeps without. So setting woken changes the
//        word that any possible messenger would sleep on, and a wake-up that finds nobody asleep is
//        seen by one who is not asleep yet. It follows that no wake-up is lost.
//   IV.  no waiters imply that the low half is zero.
#pragma once

#include <cstdint>

namespace nativeconc::sync {

// What the high half means.
enum class Stock { counted, owned };

template <Stock kStock>
struct QueueState {
  std::uint64_t word = 0;

  static constexpr std::uint64_t kWoken = 1;
  static constexpr std::uint64_t kHeir = 2;
  static constexpr std::uint64_t kOneWaiter = 4;
  static constexpr std::uint64_t kWaiters = 0x00ff'fffc;
  static constexpr int kGenerationShift = 24;
  static constexpr std::uint64_t kGeneration = 0xff00'0000;
  static constexpr std::uint64_t kQueue = 0xffff'ffff;
  static constexpr std::uint64_t kOnePermit = std::uint64_t{1} << 32;

  // The high half: counted permits, or the owner.
  constexpr std::uint32_t stock() const { return static_cast<std::uint32_t>(word >> 32); }
  static constexpr QueueState with_stock(std::uint32_t stock) { return {stock * kOnePermit}; }

  constexpr std::uint32_t permits() const {
    if constexpr (kStock == Stock::counted) return stock();
    return stock() == 0 ? 1 : 0;
  }
  // Without one permit; a counted one does not remember who took it.
  constexpr QueueState taken_by(std::uint32_t taker) const {
    if constexpr (kStock == Stock::counted) return {word - kOnePermit};
    return {word | taker * kOnePermit};
  }
  constexpr std::uint32_t queue() const { return static_cast<std::uint32_t>(word & kQueue); }
  constexpr bool has_waiters() const { return (word & kWaiters) != 0; }
  constexpr bool has_heir() const { return (word & kHeir) != 0; }
  constexpr bool is_woken() const { return (word & kWoken) != 0; }

  // Is there a permit for somebody who is not the heir?
  constexpr bool has_free() const { return permits() > (has_heir() ? 1U : 0U); }

  // Without waiters of another fork generation: they were threads of a parent process.
  constexpr QueueState in_generation(std::uint32_t generation) const {
    const bool stale = queue() != 0 && (word & kGeneration) != generation_bits(generation);
    return {stale ? word & ~kQueue : word};
  }

  static constexpr std::uint64_t generation_bits(std::uint32_t generation) {
    return (std::uint64_t{generation} << kGenerationShift) & kGeneration;
  }

  friend constexpr bool operator==(QueueState, QueueState) = default;
};

using PermitState = QueueState<Stock::counted>;
using OwnerState = QueueState<Stock::owned>;

// What a thread knows of itself when it looks at the state.
struct Onlooker {
  std::uint32_t id = 0;      // not 0 where the stock is owned
  bool registered = false;   // counted among the waiters
  bool is_heir = false;      // owed the next permit
  bool must_leave = false;   // its time is up, or a signal wants it
  bool may_inherit = false;  // has waited long enough to become the heir
};

enum class Decision { take, give_up, sleep };

template <Stock kStock>
struct Transition {
  QueueState<kStock> next;
  Decision decision = Decision::sleep;
  bool must_wake = false;  // wake a waiter once `next` is in place
};

// A thread that waits, or is about to, looks at the state: it takes a permit, leaves or goes to
// sleep.
template <Stock kStock>
constexpr Transition<kStock> look(QueueState<kStock> now, Onlooker who, std::uint32_t generation) {
  using State = QueueState<kStock>;
  Transition<kStock> step;
  std::uint64_t next = now.word;
  if (who.is_heir ? now.permits() > 0 : now.has_free()) {
    step.decision = Decision::take;
    next = now.taken_by(who.id).word;
  } else if (who.must_leave) {
    step.decision = Decision::give_up;
  }

  if (step.decision == Decision::sleep) {
    if (!who.registered) {
      next &= ~State::kGeneration;
      next |= State::generation_bits(generation);
      next += State::kOneWaiter;
    }
    if (who.may_inherit && !now.has_heir()) next |= State::kHeir;
  } else {
    if (who.registered) next -= State::kOneWaiter;
    if (who.is_heir) next &= ~State::kHeir;
  }

  if ((next & State::kWaiters) == 0) {
    next &= ~State::kQueue;
  } else {
    // Whoever looks was perhaps the messenger, so the mark goes; but while a permit is left for
    // others, the message is passed on.
    step.must_wake = State{next}.permits() > 0;
    next = step.must_wake ? next | State::kWoken : next & ~State::kWoken;
  }
  step.next = {next};
  return step;
}

// The permits become `stock` in place of what they were, more than before. A wake-up is due unless
// a messenger is under way.
template <Stock kStock>
constexpr Transition<kStock> give(QueueState<kStock> now, std::uint32_t stock) {
  using State = QueueState<kStock>;
  Transition<kStock> step;
  step.next = {(now.word & State::kQueue) | State::with_stock(stock).word};
  step.must_wake = now.has_waiters() && !now.is_woken();
  if (step.must_wake) step.next.word |= State::kWoken;
  return step;
}

// The stock is set anew, whatever it was; waiters stay.
template <Stock kStock>
constexpr Transition<kStock> refill(QueueState<kStock> now, std::uint32_t stock) {
  using State = QueueState<kStock>;
  Transition<kStock> step;
  step.next = {(now.word & State::kQueue) | State::with_stock(stock).word};
  step.must_wake = now.has_waiters() && step.next.permits() > 0;
  if (step.must_wake) step.next.word |= State::kWoken;
  return step;
}

}  // namespace nativeconc::sync
