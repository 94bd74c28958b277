// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/permit_queue.hpp"

#include <bit>

#include "nativeconc/os/futex.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::sync {

using os::FutexResult;
using os::Scope;

namespace {

// Futex channels: an heir sleeps on its own, so that its permit wakes it and nobody else.
constexpr std::uint32_t kAnyWaiter = 1;
constexpr std::uint32_t kTheHeir = 2;

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "the futex word must be the low half of the state");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

template <Stock kStock, Scope kScope>
void PermitQueue<kStock, kScope>::wake(State state) const {
  os::futex_wake_one(futex_word(), kScope, state.has_heir() ? kTheHeir : kAnyWaiter | kTheHeir);
}

// The permit is kept for an heir, which may have been a thread of the process we were forked from.
template <Stock kStock, Scope kScope>
bool PermitQueue<kStock, kScope>::try_take_from_heir(std::uint32_t taker) {
  State state = load();
  for (;;) {
    const State now = state.in_generation(generation_.get());
    if (!now.has_free()) return false;
    if (word_.compare_exchange_weak(state.word, now.taken_by(taker).word, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
}

template <Stock kStock, Scope kScope>
bool PermitQueue<kStock, kScope>::try_give_to_waiters(State& state, std::uint32_t stock) {
  const auto step = give(state.in_generation(generation_.get()), stock);
  // release: pairs with the acquire of whoever takes the permit
  if (!word_.compare_exchange_weak(state.word, step.next.word, std::memory_order_release,
                                   std::memory_order_relaxed)) {
    return false;
  }
  if (step.must_wake) wake(step.next);
  return true;
}

template <Stock kStock, Scope kScope>
std::uint32_t PermitQueue<kStock, kScope>::available() const {
  const State state = load();
  if (state.queue() == 0) return state.permits();
  const bool kept = state.permits() > 0 && state.in_generation(generation_.get()).has_heir();
  return kept ? state.permits() - 1 : state.permits();
}

template <Stock kStock, Scope kScope>
void PermitQueue<kStock, kScope>::refill(std::uint32_t stock) {
  State state = load();
  Transition<kStock> step;
  do {
    step = sync::refill(state.in_generation(generation_.get()), stock);
    // release: pairs with the acquire of whoever takes a permit
  } while (!word_.compare_exchange_weak(state.word, step.next.word, std::memory_order_release,
                                        std::memory_order_relaxed));
  if (step.must_wake) wake(step.next);
}

template <Stock kStock, Scope kScope>
bool PermitQueue<kStock, kScope>::spin(std::uint32_t taker) {
  bool taken = false;
  sync::spin([&] {
    // Not past those who wait already: they would only be woken in vain.
    if (load().has_waiters()) return true;
    taken = try_take(taker);
    return taken;
  });
  return taken;
}

// The step on the word orders this with a waiter that has not registered yet: if its own step comes
// later, it sees `roused` before it sleeps; if it came earlier, the word that it is about to sleep
// on is changed here, or it is woken. A message too many does no harm: whoever looks clears the
// mark.
template <Stock kStock, Scope kScope>
void PermitQueue<kStock, kScope>::rouse() {
  State state = load();
  State next;
  do {
    next = state.in_generation(generation_.get());
    if (next.has_waiters()) next.word |= State::kWoken;
  } while (!word_.compare_exchange_weak(state.word, next.word, std::memory_order_acq_rel,
                                        std::memory_order_relaxed));
  if (next.has_waiters()) os::futex_wake_all(futex_word(), kScope);
}

template <Stock kStock, Scope kScope>
WaitResult PermitQueue<kStock, kScope>::take(std::uint32_t taker, Deadline deadline,
                                             Waiter& waiter) {
  const bool is_new = waiter.since_ns == 0;
  if (is_new) waiter.since_ns = monotonic_ns();
  std::uint32_t registered_in = 0;  // the generation
  Onlooker me;
  me.id = taker;
  FutexResult woken_by = FutexResult::woken;
  for (;;) {
    me.must_leave = woken_by != FutexResult::woken;
    me.may_inherit = !(is_new && !me.registered) && !me.is_heir &&
                     monotonic_ns() - waiter.since_ns >= kHandOverNs;
    const std::uint32_t generation = generation_.get();
    State state = load();
    Transition<kStock> step;
    bool had_heir = false;
    do {
      const State now = state.in_generation(generation);
      if (me.registered && (registered_in != generation || !now.has_waiters())) {
        me.registered = me.is_heir = false;  // forgotten: see forget_waiters()
      }
      had_heir = now.has_heir();
      step = look(now, me, generation);
      // acquire: pairs with the release of whoever gave the permit. release: what a giver published
      // before stays published although this store comes after its own.
    } while (!word_.compare_exchange_weak(state.word, step.next.word, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    if (step.must_wake) wake(step.next);
    if (step.decision == Decision::take) return WaitResult::acquired;
    if (step.decision == Decision::give_up) {
      return woken_by == FutexResult::interrupted ? WaitResult::interrupted : WaitResult::timed_out;
    }
    me.registered = true;
    registered_in = generation;
    me.is_heir = me.is_heir || (step.next.has_heir() && !had_heir);
    if (!waiter.roused.load(std::memory_order_relaxed)) {
      woken_by = os::futex_wait(futex_word(), step.next.queue(), deadline, kScope,
                                me.is_heir ? kTheHeir : kAnyWaiter);
    }
    if (waiter.roused.exchange(false, std::memory_order_relaxed)) {
      woken_by = FutexResult::interrupted;
    }
  }
}

template class PermitQueue<Stock::counted>;
template class PermitQueue<Stock::owned>;
template class PermitQueue<Stock::owned, Scope::processes>;

}  // namespace nativeconc::sync
