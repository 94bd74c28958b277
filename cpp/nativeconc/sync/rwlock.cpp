// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/rwlock.hpp"

#include <bit>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/os/futex.hpp"

namespace nativeconc::sync {

using deadlock::ReadHolds;
using os::FutexResult;
using os::Scope;

static_assert(std::endian::native == std::endian::little, "halves of the word are futex words");

namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

const std::uint32_t* low_half(const std::atomic<std::uint64_t>& word) {
  return reinterpret_cast<const std::uint32_t*>(&word);
}
const std::uint32_t* high_half(const std::atomic<std::uint64_t>& word) {
  return low_half(word) + 1;
}

// How far the wait of a reader has come: the epoch in which it registered, or this.
constexpr std::uint64_t kInside = ReadHolds::kNotBegun - 1;

void begin_hold(ReadHolds::Hold& hold, std::uint64_t lock) {
  hold.count = 1;
  // release: pairs with the acquire in ReadHolds::holds()
  hold.lock.store(lock, std::memory_order_release);
}

void end_hold(ReadHolds::Hold& hold) { hold.lock.store(0, std::memory_order_relaxed); }

ReadHolds& own_holds() { return deadlock::this_record().reads; }

}  // namespace

RWLock::RWLock() : id_(next_id()) {}

// release: pairs with the acquire, here and in read(), of whoever comes in afterwards, by a step of
// its own or let in by this one.
bool RWLock::exchange(RWState& now, RWState next) {
  return word_.compare_exchange_weak(now.word, next.word, std::memory_order_acq_rel,
                                     std::memory_order_acquire);
}

void RWLock::wake_readers() const { os::futex_wake_all(high_half(word_), Scope::threads); }
void RWLock::wake_writer() const { os::futex_wake_all(low_half(word_), Scope::threads); }

// --- readers

RWLock::Try RWLock::try_read() {
  ReadHolds& holds = own_holds();
  if (ReadHolds::Hold* hold = holds.find(id_)) {
    ++hold->count;
    return Try::acquired;
  }
  ReadHolds::Hold* place = holds.free_place();
  if (place == nullptr) return Try::no_memory;
  // Before it enters: a child forked in between must know who is inside.
  begin_hold(*place, id_);
  if (is_writing()) return Try::acquired;
  const Try result = enter_to_read();
  if (result != Try::acquired) end_hold(*place);
  return result;
}

RWLock::Try RWLock::enter_to_read() {
  RWState now = load();
  for (;;) {
    // Where nobody writes or is pending, the generation does not matter.
    const RWState here = now.is_open_to_readers() ? now : now.in_generation(os::fork_generation());
    if (!here.has_room()) return Try::full;
    // A signal handler may read while the thread it interrupts waits to write.
    const bool may_enter = here.is_open_to_readers() ||
                           (!here.is_writing() && turn_.owner() == deadlock::this_thread());
    if (!may_enter) return Try::busy;
    if (exchange(now, reader_enters(here))) return Try::acquired;
  }
}

WaitResult RWLock::read(Deadline deadline) {
  const std::uint32_t generation = os::fork_generation();
  ReadHolds& holds = own_holds();
  // A signal handler has begun to read or write during this wait, and keeps it.
  const bool is_inside = is_writing() || holds.find(id_) != nullptr;
  if (is_inside && try_read() == Try::acquired) return WaitResult::acquired;
  holds.begin_entering(id_, this, has_let_in);
  RWState now = load();
  RWState next;
  do {
    const RWState here = now.in_generation(generation);
    // Before the step: from then on others may let this thread in.
    holds.progress.store(here.is_open_to_readers() ? kInside : here.epoch(),
                         std::memory_order_release);
    next = here.is_open_to_readers() ? reader_enters(here) : reader_registers(here);
  } while (!exchange(now, next));
  const bool registered = !next.is_open_to_readers();
  FutexResult woken_by = FutexResult::woken;
  now = next;
  while (registered && now.epoch() == next.epoch()) {
    if (woken_by != FutexResult::woken) {
      if (!exchange(now, reader_gives_up(now))) continue;  // perhaps it has been let in just now
      holds.end_entering();
      return woken_by == FutexResult::interrupted ? WaitResult::interrupted : WaitResult::timed_out;
    }
    woken_by = os::futex_wait(high_half(word_), now.high(), deadline, Scope::threads);
    // acquire: pairs with the release of the writer that let us in
    now = {word_.load(std::memory_order_acquire)};
  }
  begin_hold(*holds.free_place(), id_);
  holds.end_entering();
  return WaitResult::acquired;
}

bool RWLock::release_read() {
  ReadHolds::Hold* hold = own_holds().find(id_);
  if (hold == nullptr) return false;
  if (--hold->count > 0) return true;
  RWState next;
  if (!is_writing()) {  // else it is not counted in the word
    RWState now = load();
    do {
      next = reader_leaves(now);
    } while (!exchange(now, next));
  }
  end_hold(*hold);
  if (next.is_pending() && next.active() == 0) wake_writer();
  return true;
}

std::uint32_t RWLock::own_reads() const {
  const ReadHolds::Hold* hold = own_holds().find(id_);
  return hold == nullptr ? 0 : hold->count;
}

// --- writers

bool RWLock::is_writing() const {
  return turn_.owner() == deadlock::this_thread() && load().is_writing();
}

bool RWLock::take_turn(ThreadId me) {
  if (turn_.try_acquire(me)) return true;
  if (os::fork_generation() == 0) return false;
  take_back_lost_turn();
  return turn_.try_acquire(me);
}

// A thread of the parent may have had the turn when we were forked. If it was not inside, it never
// will be.
void RWLock::take_back_lost_turn() {
  const ThreadId owner = turn_.owner();
  if (owner == deadlock::kNobody || load().is_writing()) return;
  if (deadlock::thread_info(owner).fate == deadlock::Fate::lost) turn_.release_from(owner);
}

bool RWLock::try_write() {
  const ThreadId me = deadlock::this_thread();
  if (is_writing()) {
    ++write_depth_;
    return true;
  }
  if (!load().in_generation(os::fork_generation()).is_open_to_readers()) return false;
  if (!take_turn(me)) return false;
  RWState now = load();
  for (;;) {
    const RWState here = now.in_generation(os::fork_generation());
    if (here.active() > 0) {
      turn_.release();
      return false;
    }
    if (exchange(now, writer_comes(here))) break;
  }
  write_depth_ = 1;
  return true;
}

WaitResult RWLock::write(Deadline deadline, WriteWait& wait) {
  const ThreadId me = deadlock::this_thread();
  if (is_writing()) {
    // A signal handler has begun to write during this wait, and keeps it.
    wait.has_turn = false;
    ++write_depth_;
    return WaitResult::acquired;
  }
  // A signal handler that writes uses the turn of the wait that it interrupts, and gives it back.
  wait.has_turn = turn_.owner() == me;
  if (!wait.has_turn) {
    if (!take_turn(me)) {
      const WaitResult result = turn_.acquire(me, deadline, wait.turn);
      if (result != WaitResult::acquired) return result;
    }
    wait.has_turn = true;
  }
  FutexResult woken_by = FutexResult::woken;
  RWState now = load();
  for (;;) {
    const RWState next = writer_comes(now.in_generation(os::fork_generation()));
    if (next != now && !exchange(now, next)) continue;
    if (next.is_writing()) break;
    if (woken_by == FutexResult::timed_out) return WaitResult::timed_out;
    if (woken_by == FutexResult::interrupted) return WaitResult::interrupted;
    woken_by = os::futex_wait(low_half(word_), next.low(), deadline, Scope::threads);
    now = load();
  }
  write_depth_ = 1;
  return WaitResult::acquired;
}

void RWLock::give_up(WriteWait& wait) {
  if (!wait.has_turn || turn_.owner() != deadlock::this_thread() || is_writing()) return;
  wait.has_turn = false;
  leave_write(false);
}

bool RWLock::release_write() {
  if (!is_writing()) return false;
  if (write_depth_ > 1) {
    --write_depth_;
    return true;
  }
  return leave_write(own_holds().holds(id_));
}

RWLock::Downgrade RWLock::downgrade() {
  if (!is_writing()) return Downgrade::not_writing;
  if (write_depth_ > 1) return Downgrade::nested;
  switch (try_read()) {
    case Try::acquired:
      leave_write(true);
      return Downgrade::done;
    default:
      return Downgrade::no_memory;
  }
}

bool RWLock::leave_write(bool stays) {
  RWState now = load();
  RWState here;
  do {
    here = now.in_generation(os::fork_generation());
  } while (!exchange(now, writer_goes(here, stays)));
  if (here.waiting() > 0) wake_readers();
  turn_.release();
  return true;
}

// --- looking at it

ThreadId RWLock::writer() const { return load().is_writing() ? turn_.owner() : deadlock::kNobody; }

ThreadId RWLock::current_turn(const void* rwlock) {
  return static_cast<const RWLock*>(rwlock)->turn_.owner();
}

bool RWLock::is_written(const void* rwlock) {
  return static_cast<const RWLock*>(rwlock)->load().is_writing();
}

bool RWLock::has_let_in(const void* rwlock, std::uint64_t progress) {
  if (progress == ReadHolds::kNotBegun) return false;
  return progress == kInside || static_cast<const RWLock*>(rwlock)->load().epoch() != progress;
}

std::uint32_t RWLock::readers() const { return static_cast<std::uint32_t>(load().active()); }

}  // namespace nativeconc::sync
