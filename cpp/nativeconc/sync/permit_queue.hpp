// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The atomic word of permit_state.hpp, and the threads that sleep on it: what Permits and Lock
// share.
//
// Any thread; of any process, if the scope says so and the queue lies in shared memory. The fast
// paths are inline: one compare-and-swap.
//
// Among threads of one process: after fork the stock stays as it is and the waiters, who were
// threads of the parent, are forgotten.
//
// Among processes: waiters may die. A wake-up that a dead one took with it, and a permit that is
// kept for one, are lost until somebody calls forget_waiters(); so nobody may wait there for long
// without looking again (shared/lock.cpp).
//
// Fairness: newcomers may barge in while a woken waiter is still on its way, which is what makes
// contended locks fast. A waiter that loses such a race 1 ms or more after it began to wait becomes
// the heir: the next permit is kept for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/os/futex.hpp"
#include "nativeconc/sync/permit_state.hpp"

namespace nativeconc::sync {

inline constexpr std::int64_t kHandOverNs = 1'000'000;

// One thread's wait, kept over interruptions so that its age counts in full.
struct Waiter {
  std::int64_t since_ns = 0;        // 0: has not begun
  std::atomic<bool> roused{false};  // see PermitQueue::rouse
};

namespace detail {

// What tells waiters that count from those that do not: the fork they belong to ...
template <os::Scope kScope>
class WaiterGeneration {
 public:
  std::uint32_t get() const { return os::fork_generation(); }
};
// ... or how often those of a shared queue were forgotten.
template <>
class WaiterGeneration<os::Scope::processes> {
 public:
  // relaxed: whoever sees an old one is itself forgotten, which is as good as a lost wake-up
  std::uint32_t get() const { return number_.load(std::memory_order_relaxed); }
  void begin_next() { number_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> number_{0};
};

}  // namespace detail

template <Stock kStock, os::Scope kScope = os::Scope::threads>
class PermitQueue {
 public:
  using State = QueueState<kStock>;

  explicit PermitQueue(std::uint32_t stock) : word_(State::with_stock(stock).word) {}

  PermitQueue(const PermitQueue&) = delete;
  PermitQueue& operator=(const PermitQueue&) = delete;

  State load() const { return {word_.load(std::memory_order_relaxed)}; }

  // Takes a permit if one is free and not kept for another. Never blocks.
  bool try_take(std::uint32_t taker) {
    State state;
    if constexpr (kStock == Stock::owned) {
      // Free, and nobody waits: the one case that must be fast.
      if (word_.compare_exchange_strong(state.word, state.taken_by(taker).word,
                                        std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    } else {
      state = load();
    }
    while (state.has_free()) {
      // acquire: pairs with the release of whoever gave the permit
      if (word_.compare_exchange_weak(state.word, state.taken_by(taker).word,
                                      std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    }
    return state.has_heir() && try_take_from_heir(taker);
  }

  // The same for some microseconds: see spin.hpp.
  bool spin(std::uint32_t taker);

  // Waits for a permit. Blocks.
  WaitResult take(std::uint32_t taker, Deadline deadline, Waiter& waiter);

  // One attempt to change the stock while nobody waits (see load); updates `state` when it fails.
  bool try_give(State& state, std::uint32_t stock) {
    // release: pairs with the acquire of whoever takes the permit
    return word_.compare_exchange_weak(state.word, State::with_stock(stock).word,
                                       std::memory_order_release, std::memory_order_relaxed);
  }

  // One attempt to change the stock while there are waiters, who are woken.
  bool try_give_to_waiters(State& state, std::uint32_t stock);

  // A snapshot. A permit that is kept for the heir counts as taken.
  std::uint32_t available() const;

  // Makes the waiters whose `roused` has been set come out of take() with `interrupted`.
  void rouse();

  // Sets the stock anew, whoever has permits. Those that wait go on waiting, or take what there is.
  void refill(std::uint32_t stock);

  // Puts one stock in the place of another, if it is that; the waiters stay, and sleep on.
  bool try_replace(std::uint32_t stock, std::uint32_t next) {
    State state = load();
    while (state.stock() == stock) {
      const State with_next{(state.word & State::kQueue) | State::with_stock(next).word};
      // acquire, release: of what the old stock stood for, and the new
      if (word_.compare_exchange_weak(state.word, with_next.word, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // Wakes everybody who sleeps here, to look again.
  void wake_all() const { os::futex_wake_all(futex_word(), kScope); }

  // Among processes: all who wait are not counted any more, nobody is the heir, and those that live
  // come back and are counted anew.
  void forget_waiters() {
    if constexpr (kScope == os::Scope::processes) generation_.begin_next();
    wake_all();
  }

 private:
  bool try_take_from_heir(std::uint32_t taker);
  void wake(State state) const;
  const std::uint32_t* futex_word() const { return reinterpret_cast<const std::uint32_t*>(&word_); }

  std::atomic<std::uint64_t> word_;
  [[no_unique_address]] detail::WaiterGeneration<kScope> generation_;
};

extern template class PermitQueue<Stock::counted>;
extern template class PermitQueue<Stock::owned>;
extern template class PermitQueue<Stock::owned, os::Scope::processes>;

}  // namespace nativeconc::sync
