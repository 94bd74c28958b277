// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/semaphore.hpp"

#include <algorithm>

#include "nativeconc/os/futex.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/slice.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::shared {

using os::FutexResult;
using os::Scope;
using Taken = RobustMutex::Taken;

namespace {

// relaxed, unless said otherwise: the mutex orders all that happens under it, and a word that is
// looked at without it is a snapshot.
constexpr auto kRelaxed = std::memory_order_relaxed;

// An heir sleeps on a channel of its own, so that its permit wakes it and nobody else.
constexpr std::uint32_t kSilence = 0;
constexpr std::uint32_t kAnyWaiter = 1;
constexpr std::uint32_t kTheHeir = 2;

ProcessNumber process_of(std::uint64_t row) { return static_cast<ProcessNumber>(row >> 32); }
std::uint32_t held_in(std::uint64_t row) { return static_cast<std::uint32_t>(row); }

}  // namespace

const std::uint32_t* Semaphore::futex_word() const {
  return reinterpret_cast<const std::uint32_t*>(&sequence_);
}

// --- the mutex

Taken Semaphore::enter(ThreadNumber me, Deadline deadline) {
  const Taken taken = mutex_.lock(me, deadline);
  if (taken == Taken::owner_died) make_whole();
  return taken;
}

void Semaphore::leave(std::uint32_t channels) {
  mutex_.unlock();
  fault_point();
  if (channels != kSilence) os::futex_wake_one(futex_word(), Scope::processes, channels);
}

// Whoever had the mutex died. If this thread does so in here, the next one begins anew.
void Semaphore::make_whole() {
  std::uint32_t held = 0;
  for (const Row& row : rows_) held += held_in(row.load(kRelaxed));
  available_.store(total_.load(kRelaxed) - held, kRelaxed);
  fault_point();
  heir_.store(kNobody, kRelaxed);
  asleep_.store(0, kRelaxed);
  sequence_.store(sequence_.load(kRelaxed) + 1, kRelaxed);
  fault_point();
  os::futex_wake_all(futex_word(), Scope::processes);
}

// --- who holds what

Semaphore::Row* Semaphore::find_row(ProcessNumber process) {
  for (std::size_t i = 0; i < kRows; ++i) {
    Row& row = rows_[(process + i) % kRows];
    const ProcessNumber at = process_of(row.load(kRelaxed));
    if (at == process) return &row;
    if (at == kNobody) return nullptr;
  }
  return nullptr;
}

// For one that has none. Null if there is no room.
Semaphore::Row* Semaphore::make_row(ProcessNumber process) {
  Row* unused = nullptr;
  for (std::size_t i = 0; i < kRows; ++i) {
    Row& row = rows_[(process + i) % kRows];
    const std::uint64_t now = row.load(kRelaxed);
    if (now == 0) return &row;
    if (held_in(now) == 0 && unused == nullptr) unused = &row;
  }
  return unused;
}

// The one step by which a permit changes hands.
void Semaphore::hold(Row& row, ProcessNumber process, std::uint32_t held) {
  // release: pairs with the acquire of whoever finds this one dead, or lists the holders
  row.store(std::uint64_t{process} << 32 | held, std::memory_order_release);
  fault_point();
}

Semaphore::Row* Semaphore::oldest_holder() {
  std::size_t oldest = kRows;
  for (std::size_t i = 0; i < kRows; ++i) {
    if (held_in(rows_[i].load(kRelaxed)) == 0) continue;
    if (oldest == kRows || ages_[i] < ages_[oldest]) oldest = i;
  }
  return oldest == kRows ? nullptr : &rows_[oldest];
}

bool Semaphore::has_dead_holder() const {
  for (const Row& row : rows_) {
    const std::uint64_t now = row.load(std::memory_order_acquire);
    if (held_in(now) > 0 && is_process_dead(process_of(now))) return true;
  }
  return false;
}

void Semaphore::forget_dead_holders() {
  for (Row& row : rows_) {
    const std::uint64_t now = row.load(kRelaxed);
    if (held_in(now) == 0 || !is_process_dead(process_of(now))) continue;
    hold(row, process_of(now), 0);
    add(held_in(now));
  }
}

std::vector<Semaphore::Holder> Semaphore::holders() const {
  std::vector<Holder> all;
  for (const Row& row : rows_) {
    const std::uint64_t now = row.load(std::memory_order_acquire);
    const ProcessNumber process = process_of(now);
    if (held_in(now) == 0 || is_process_dead(process)) continue;
    all.push_back({process, pid_of_process(process), held_in(now)});
  }
  return all;
}

// --- taking and giving, under the mutex

void Semaphore::add(std::uint32_t n) {
  const std::uint32_t before = available_.load(kRelaxed);
  if (before == 0 && heir_.load(kRelaxed) != kNobody) kept_since_ns_ = monotonic_ns();
  available_.store(before + n, kRelaxed);
  fault_point();
}

// A permit is kept for the heir: does it not come?
bool Semaphore::is_heir_late() const {
  return is_thread_dead(heir_.load(kRelaxed)) || monotonic_ns() - kept_since_ns_ >= kSliceNs;
}

Semaphore::Entry Semaphore::take(Caller me) {
  const std::uint32_t available = available_.load(kRelaxed);
  if (available == 0) return Entry::timed_out;
  const ThreadNumber heir = heir_.load(kRelaxed);
  if (heir != kNobody && heir != me.thread && available == 1) {
    if (!is_heir_late()) return Entry::timed_out;
    heir_.store(kNobody, kRelaxed);
  }
  Row* row = find_row(me.process);
  std::uint32_t held = 0;
  if (row != nullptr) [[likely]] {
    held = held_in(row->load(kRelaxed));
  } else {
    row = make_row(me.process);
    if (row == nullptr) return Entry::no_room;
  }
  if (held == 0) ages_[static_cast<std::size_t>(row - rows_.data())] = ++last_age_;
  hold(*row, me.process, held + 1);
  available_.store(available - 1, kRelaxed);
  if (heir == me.thread) heir_.store(kNobody, kRelaxed);
  return Entry::acquired;
}

bool Semaphore::give(Caller me, std::uint32_t n) {
  Row* const mine = find_row(me.process);
  const std::uint32_t held = mine == nullptr ? 0 : held_in(mine->load(kRelaxed));
  if (mine == nullptr || held < n) [[unlikely]]
    return give_for_others(me, n);
  hold(*mine, me.process, held - n);
  add(n);
  return true;
}

// Gives more than this process holds.
bool Semaphore::give_for_others(Caller me, std::uint32_t n) {
  forget_dead_holders();
  const std::uint32_t total = total_.load(kRelaxed);
  const std::uint32_t held = total - available_.load(kRelaxed);
  if (n > held && (is_bounded_ != 0 || n - held > kMax - total)) return false;
  Row* row = find_row(me.process);
  if (row == nullptr || held_in(row->load(kRelaxed)) == 0) row = oldest_holder();
  for (; n > 0 && row != nullptr; row = oldest_holder()) {
    const std::uint64_t now = row->load(kRelaxed);
    const std::uint32_t given = std::min(held_in(now), n);
    hold(*row, process_of(now), held_in(now) - given);
    add(given);
    n -= given;
  }
  if (n > 0) {
    total_.store(total + n, kRelaxed);
    fault_point();
    add(n);
  }
  return true;
}

// --- messages, under the mutex. What they return is to be woken when the mutex is free.

std::uint32_t Semaphore::message() {
  asleep_.store(0, kRelaxed);
  sequence_.store(sequence_.load(kRelaxed) + 1, kRelaxed);
  return heir_.load(kRelaxed) == kNobody ? kAnyWaiter | kTheHeir : kTheHeir;
}

// From one that was perhaps the messenger.
std::uint32_t Semaphore::pass_on_message() {
  if (available_.load(kRelaxed) > 0) return message();
  asleep_.store(1, kRelaxed);
  return kSilence;
}

// --- what callers see

Semaphore::Entry Semaphore::try_acquire(Caller me, Deadline patience) {
  for (bool has_looked = false;; has_looked = true) {
    const Taken taken = enter(me.thread, patience);
    if (taken == Taken::timed_out) return Entry::stuck;
    if (taken == Taken::interrupted) return Entry::interrupted;
    if (has_looked) forget_dead_holders();
    const Entry entry = take(me);
    const bool is_due = has_looked && asleep_.load(kRelaxed) != 0 && available_.load(kRelaxed) > 0;
    leave(is_due ? message() : kSilence);
    if (entry == Entry::acquired || has_looked || !has_dead_holder()) return entry;
  }
}

bool Semaphore::spin(Caller me) {
  bool taken = false;
  sync::spin([&] {
    // Not past those who wait already: they would only be woken in vain.
    if (asleep_.load(kRelaxed) != 0) return true;
    taken =
        available_.load(kRelaxed) > 0 && try_acquire(me, Deadline::expired()) == Entry::acquired;
    return taken;
  });
  return taken;
}

// Of all who wait for long, one at a time looks whether the holders live.
bool Semaphore::is_due_to_look() {
  const std::int64_t now = monotonic_ns();
  std::int64_t last = looked_ns_.load(kRelaxed);
  return now - last >= kSliceNs / 2 && looked_ns_.compare_exchange_strong(last, now, kRelaxed);
}

Semaphore::Entry Semaphore::acquire(Caller me, Deadline deadline, Waiter& waiter) {
  const bool is_new = waiter.since_ns == 0;
  if (is_new) waiter.since_ns = monotonic_ns();
  bool has_slept = false;
  FutexResult woken_by = FutexResult::woken;
  for (;;) {
    const bool is_late = woken_by == FutexResult::timed_out && deadline.has_passed();
    const bool must_leave = is_late || woken_by == FutexResult::interrupted;
    const bool has_dead =
        (is_late || (woken_by == FutexResult::timed_out && is_due_to_look())) && has_dead_holder();
    const Taken taken = enter(me.thread, deadline);
    // Whatever this one was to do for others waits for a slice, then.
    if (taken == Taken::timed_out) return Entry::timed_out;
    if (taken == Taken::interrupted) return Entry::interrupted;
    if (has_dead) forget_dead_holders();
    Entry entry = take(me);
    if (entry == Entry::no_room) {
      forget_dead_holders();
      entry = take(me);
    }
    if (entry != Entry::timed_out || must_leave) {
      if (heir_.load(kRelaxed) == me.thread) heir_.store(kNobody, kRelaxed);
      leave(has_slept ? pass_on_message() : kSilence);
      if (entry != Entry::timed_out) return entry;
      return is_late ? Entry::timed_out : Entry::interrupted;
    }
    const ThreadNumber heir = heir_.load(kRelaxed);
    const bool may_inherit = available_.load(kRelaxed) == 0 && (has_slept || !is_new) &&
                             monotonic_ns() - waiter.since_ns >= sync::kHandOverNs;
    if (may_inherit && (heir == kNobody || is_thread_dead(heir))) heir_.store(me.thread, kRelaxed);
    const bool is_heir = heir_.load(kRelaxed) == me.thread;
    const std::uint32_t channels = has_slept ? pass_on_message() : kSilence;
    asleep_.store(1, kRelaxed);
    const std::uint32_t sequence = sequence_.load(kRelaxed);
    leave(channels);
    woken_by = os::futex_wait(futex_word(), sequence, next_slice(deadline), Scope::processes,
                              is_heir ? kTheHeir : kAnyWaiter);
    has_slept = true;
  }
}

Semaphore::Release Semaphore::release(Caller me, std::uint32_t n, Deadline patience) {
  const Taken taken = enter(me.thread, patience);
  if (taken == Taken::timed_out) return Release::stuck;
  if (taken == Taken::interrupted) return Release::interrupted;
  const bool is_given = give(me, n);
  const bool is_due = asleep_.load(kRelaxed) != 0 && available_.load(kRelaxed) > 0;
  leave(is_due ? message() : kSilence);
  return is_given ? Release::done : Release::too_many;
}

std::uint32_t Semaphore::available() const {
  const std::uint32_t now = available_.load(kRelaxed);
  return now > 0 && heir_.load(kRelaxed) != kNobody ? now - 1 : now;
}

}  // namespace nativeconc::shared
