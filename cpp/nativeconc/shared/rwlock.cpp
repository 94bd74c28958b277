// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/rwlock.hpp"

#include "nativeconc/os/futex.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/slice.hpp"

namespace nativeconc::shared {

using os::FutexResult;
using os::Scope;

namespace {

const std::uint32_t* futex_word(const std::atomic<std::uint32_t>& word) {
  return reinterpret_cast<const std::uint32_t*>(&word);
}

}  // namespace

// --- the gate, for the one whose turn it is

void RWLock::set_gate(std::uint32_t gate) {
  // seq_cst: see gate(). It releases what a writer wrote to the readers that find it open.
  gate_.store(gate, std::memory_order_seq_cst);
  fault_point();
}

void RWLock::wake_readers() {
  // seq_cst: pairs with the store in wait_to_read(), before the reader looks at the gate
  if (sleepers_.exchange(0, std::memory_order_seq_cst) == 0) return;
  fault_point();
  os::futex_wake_all(futex_word(gate_), Scope::processes);
}

void RWLock::open_gate() {
  readers_.let_all_in();
  set_gate((gate() & ~kClosed) + kOneEpoch);
  wake_readers();
}

void RWLock::put_in_doubt(ThreadNumber me) {
  set_gate((gate() & ~kClosed) | kDoubt);
  turn_.release_in_doubt(me);
  fault_point();
  wake_readers();
}

// --- what a dead writer left behind

// This thread has the turn of one that died. False if the lock is in doubt.
bool RWLock::settle(ThreadNumber me) {
  if ((gate() & (kWriting | kDoubt)) != 0) {
    put_in_doubt(me);
    return false;
  }
  if ((gate() & kPending) != 0) open_gate();
  turn_.release(me);
  fault_point();
  return true;
}

// For a reader that has found the gate closed.
RWLock::Seen RWLock::look_at_writer(ThreadNumber me) {
  const ThreadNumber owner = turn_.owner();
  if (owner == Lock::kInDoubt) return Seen::in_doubt;
  if (owner == kNobody) return Seen::gone;
  // A signal handler reads while the thread it interrupts waits to take the lock over.
  if (owner == me) return (gate() & kDoubt) != 0 ? Seen::in_doubt : Seen::alive;
  if (!is_thread_dead(owner)) return Seen::alive;
  if (turn_.look(me, IfDead::take_over) == Entry::timed_out) return Seen::gone;
  fault_point();
  return settle(me) ? Seen::gone : Seen::in_doubt;
}

// --- readers

// For one whose entry is active.
bool RWLock::may_read(ThreadNumber me) const {
  const std::uint32_t now = gate();
  if ((now & kClosed) == 0) [[likely]]
    return true;
  // It writes, too; or a signal handler reads while the thread it interrupts waits to write.
  return turn_.owner() == me && (now & (kWriting | kDoubt)) != kDoubt;
}

bool RWLock::read_again(ThreadNumber me) {
  const std::size_t at = readers_.find(me);
  if (at == ReaderTable::kNone) return false;
  readers_.set_depth(at, {readers_.load(at).word + ReaderEntry::kOneDeep});
  return true;
}

RWLock::Read RWLock::try_read(ThreadNumber me) {
  if (read_again(me)) return Read::acquired;
  for (;;) {
    const std::size_t at = readers_.claim(me);
    if (at == ReaderTable::kNone) return Read::full;
    fault_point();
    if (may_read(me)) return Read::acquired;
    leave(at);
    switch (look_at_writer(me)) {
      case Seen::alive:
        return Read::timed_out;
      case Seen::in_doubt:
        return Read::in_doubt;
      case Seen::gone:
        break;
    }
  }
}

RWLock::Read RWLock::read(ThreadNumber me, Deadline deadline) {
  if (read_again(me)) return Read::acquired;
  const std::size_t at = readers_.claim(me);
  if (at == ReaderTable::kNone) return Read::full;
  fault_point();
  if (may_read(me)) return Read::acquired;
  begin_waiting(me, at);
  return wait_to_read(me, at, deadline);
}

void RWLock::begin_waiting(ThreadNumber me, std::size_t at) {
  readers_.store(at, ReaderEntry::waiting(me));
  fault_point();
  tell_writer(at);
}

// Its entry waits. Afterwards it is active, or free if this says why.
RWLock::Read RWLock::wait_to_read(ThreadNumber me, std::size_t at, Deadline deadline) {
  FutexResult woken_by = FutexResult::woken;
  for (;;) {
    // acquire: pairs with the step of the writer that let it in
    if (readers_.load(at, std::memory_order_acquire).is_active()) return Read::acquired;
    const std::uint32_t now = gate();
    if ((now & kClosed) == 0) {
      const bool enters = readers_.exchange(at, ReaderEntry::waiting(me), ReaderEntry::active(me));
      fault_point();
      if (!enters || may_read(me)) return Read::acquired;
      begin_waiting(me, at);
      continue;
    }
    const Seen seen = look_at_writer(me);
    if (seen == Seen::gone) continue;
    if (seen == Seen::in_doubt) return stop_waiting(me, at, Read::in_doubt);
    if (woken_by == FutexResult::interrupted) return stop_waiting(me, at, Read::interrupted);
    if (deadline.has_passed()) return stop_waiting(me, at, Read::timed_out);
    sleepers_.store(1, std::memory_order_seq_cst);
    if (gate() != now) continue;
    woken_by = os::futex_wait(futex_word(gate_), now, next_slice(deadline), Scope::processes);
  }
}

RWLock::Read RWLock::stop_waiting(ThreadNumber me, std::size_t at, Read why) {
  // Unless it has just been let in.
  return readers_.exchange(at, ReaderEntry::waiting(me), {}) ? why : Read::acquired;
}

void RWLock::tell_writer(std::size_t at) {
  if ((gate() & kClosed) == 0) [[likely]]
    return;
  // seq_cst: pairs with the writer, which says whom it waits for before it looks once more
  auto awaited = static_cast<std::uint32_t>(at + 1);
  if (!awaited_.compare_exchange_strong(awaited, 0, std::memory_order_seq_cst)) return;
  fault_point();
  os::futex_wake_all(futex_word(awaited_), Scope::processes);
}

// From an active entry.
void RWLock::leave(std::size_t at) {
  readers_.store(at, {});
  fault_point();
  tell_writer(at);
}

bool RWLock::release_read(ThreadNumber me) {
  const std::size_t at = readers_.find(me);
  if (at == ReaderTable::kNone) return false;
  const ReaderEntry entry = readers_.load(at);
  if (entry.depth() > 1) {
    readers_.set_depth(at, {entry.word - ReaderEntry::kOneDeep});
  } else {
    leave(at);
  }
  return true;
}

std::uint32_t RWLock::own_reads(ThreadNumber me) const {
  const std::size_t at = readers_.find(me);
  return at == ReaderTable::kNone ? 0 : readers_.load(at).depth();
}

// --- writers

// This thread has just taken the turn, so or so.
RWLock::Turn RWLock::begin_turn(ThreadNumber me, Entry entry, IfDead if_dead) {
  if (entry == Entry::acquired) return Turn::mine;
  fault_point();
  const bool is_in_doubt = (gate() & (kWriting | kDoubt)) != 0;
  if (!is_in_doubt || if_dead == IfDead::leave_in_doubt) {
    return settle(me) ? Turn::again : Turn::in_doubt;
  }
  // Not inside: readers that the dead one let in may be there still.
  set_gate((gate() & ~kClosed) | kDoubt);
  return Turn::mine;
}

// Waits until no reader is inside. `acquired`: none is.
RWLock::Entry RWLock::drain(Deadline deadline) {
  FutexResult woken_by = FutexResult::woken;
  std::size_t at = 0;
  while ((at = readers_.first_active(at)) != ReaderTable::kNone) {
    if (woken_by == FutexResult::interrupted) return Entry::interrupted;
    if (deadline.has_passed()) return Entry::timed_out;
    const auto awaited = static_cast<std::uint32_t>(at + 1);
    // seq_cst: see tell_writer()
    awaited_.store(awaited, std::memory_order_seq_cst);
    fault_point();
    if (!readers_.load(at, std::memory_order_seq_cst).is_active()) continue;
    woken_by =
        os::futex_wait(futex_word(awaited_), awaited, next_slice(deadline), Scope::processes);
  }
  return Entry::acquired;
}

RWLock::Entry RWLock::go_in() {
  depth_.store(1, std::memory_order_relaxed);
  const std::uint32_t doubt = gate() & kDoubt;
  set_gate((gate() & ~kPending) | kWriting);
  return doubt != 0 ? Entry::acquired_in_doubt : Entry::acquired;
}

RWLock::Entry RWLock::try_write(ThreadNumber me, IfDead if_dead) {
  if (is_writing(me)) {
    depth_.store(own_writes(me) + 1, std::memory_order_relaxed);
    return Entry::acquired;
  }
  for (Turn turn = Turn::again; turn != Turn::mine;) {
    if (turn_.owner() == Lock::kInDoubt && if_dead == IfDead::leave_in_doubt) {
      return Entry::in_doubt;
    }
    const Entry entry = turn_.look(me, IfDead::take_over);
    if (entry == Entry::timed_out) return entry;
    turn = begin_turn(me, entry, if_dead);
    if (turn == Turn::in_doubt) return Entry::in_doubt;
  }
  fault_point();
  WriteWait wait;
  // A look before, so that readers are not disturbed for nothing.
  if (readers_.first_active(0) == ReaderTable::kNone) {
    set_gate(gate() | kPending);
    if (readers_.first_active(0) == ReaderTable::kNone) return go_in();
  }
  wait.has_turn = true;
  give_up(me, wait);
  return Entry::timed_out;
}

RWLock::Entry RWLock::write(ThreadNumber me, Deadline deadline, WriteWait& wait, IfDead if_dead) {
  if (is_writing(me)) {
    // A signal handler has begun to write during this wait, and keeps it.
    wait.has_turn = false;
    depth_.store(own_writes(me) + 1, std::memory_order_relaxed);
    return Entry::acquired;
  }
  // A signal handler that writes uses the turn of the wait that it interrupts, and gives it back.
  wait.has_turn = turn_.owner() == me;
  while (!wait.has_turn) {
    if (turn_.owner() == Lock::kInDoubt && if_dead == IfDead::leave_in_doubt) {
      return Entry::in_doubt;
    }
    const Entry entry = turn_.acquire(me, deadline, wait.turn, IfDead::take_over);
    if (entry == Entry::timed_out || entry == Entry::interrupted) return entry;
    const Turn turn = begin_turn(me, entry, if_dead);
    if (turn == Turn::in_doubt) return Entry::in_doubt;
    wait.has_turn = turn == Turn::mine;
  }
  fault_point();
  if ((gate() & kPending) == 0) set_gate(gate() | kPending);
  const Entry drained = drain(deadline);
  return drained == Entry::acquired ? go_in() : drained;
}

void RWLock::give_up(ThreadNumber me, WriteWait& wait) {
  if (!wait.has_turn || turn_.owner() != me || is_writing(me)) return;
  wait.has_turn = false;
  if ((gate() & kDoubt) != 0) {
    put_in_doubt(me);
    return;
  }
  if ((gate() & kPending) != 0) open_gate();
  turn_.release(me);
}

void RWLock::make_whole() {
  set_gate(gate() & ~kDoubt);
  turn_.make_whole();
  fault_point();
}

bool RWLock::release_write(ThreadNumber me) {
  const std::uint32_t depth = own_writes(me);
  if (depth == 0) return false;
  if (depth > 1) {
    depth_.store(depth - 1, std::memory_order_relaxed);
    return true;
  }
  open_gate();
  return turn_.release(me);
}

bool RWLock::release_write_in_doubt(ThreadNumber me) {
  const std::uint32_t depth = own_writes(me);
  if (depth != 1) return depth > 1 && release_write(me);
  put_in_doubt(me);
  return true;
}

RWLock::Downgrade RWLock::downgrade(ThreadNumber me) {
  const std::uint32_t depth = own_writes(me);
  if (depth == 0) return Downgrade::not_writing;
  if (depth > 1) return Downgrade::nested;
  if (!read_again(me) && readers_.claim(me) == ReaderTable::kNone) return Downgrade::full;
  fault_point();
  release_write(me);
  return Downgrade::done;
}

// --- looking at it

ThreadNumber RWLock::writer() const {
  const ThreadNumber owner = turn_.owner();
  return (gate() & kWriting) != 0 && owner <= kMaxNumber ? owner : kNobody;
}

std::uint32_t RWLock::readers() const {
  std::uint32_t n = 0;
  for_each_reader([&](ThreadNumber, std::uint32_t) { ++n; });
  return n;
}

}  // namespace nativeconc::shared
