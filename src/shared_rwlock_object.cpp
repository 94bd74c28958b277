// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "shared_rwlock_object.hpp"

#include <memory>

#include "deadlock_report.hpp"
#include "errors.hpp"
#include "thread_name.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {

using deadlock::Mode;
using shared::RWLock;
using shared::ThreadNumber;
using Entry = RWLock::Entry;
using IfDead = RWLock::IfDead;
using Read = RWLock::Read;

Waited refuse_readers() {
  PyErr_Format(PyExc_OverflowError, "%zu threads read already, and there is no room for more",
               shared::ReaderTable::kEntries);
  return Waited::error;
}

namespace rwlock_operations {
namespace {

const OwnerDeathPolicy& policy_of(PyObject* self) { return shared_lock_object(self)->policy; }
ThreadNumber own_number() { return shared::detail::this_thread_number; }

bool is_new_to(PyObject* self, ThreadNumber me) {
  return shared_rwlock(self).own_reads(me) == 0 && !shared_rwlock(self).is_writing(me);
}

// It reads, and would wait for itself to stop.
bool reads_only(PyObject* self, ThreadNumber me) {
  return !shared_rwlock(self).is_writing(me) && shared_rwlock(self).own_reads(me) > 0;
}

Waited note_if_first(PyObject* self, Mode mode, Waited waited) {
  const ThreadNumber me = own_number();
  if (is_tracking() && waited == Waited::acquired &&
      shared_rwlock(self).own_reads(me) + shared_rwlock(self).own_writes(me) == 1) {
    note_taken(self, mode);
  }
  return waited;
}

void note_if_last(PyObject* self) {
  if (is_tracking() && is_new_to(self, own_number())) note_released(self, this_thread());
}

// --- writing

// A wait as others may know of it. Who is in the way is left to the caller.
shared::SharedWant want_of(PyObject* self, Mode mode) {
  shared::SharedWant want;
  want.primitive = self;
  want.uid = shared_object(self)->primitive->uid;
  want.mode = mode;
  want.is_owned = true;
  return want;
}

struct WriteWait {
  PyObject* self;
  RWLock& lock;
  ThreadNumber me;
  IfDead if_dead;
  RWLock::WriteWait state;
  Entry entry = Entry::timed_out;
};

WaitResult sleep_to_write(void* wait, Deadline deadline) {
  auto* self = static_cast<WriteWait*>(wait);
  self->entry = self->lock.write(self->me, deadline, self->state, self->if_dead);
  if (self->entry == Entry::timed_out) return WaitResult::timed_out;
  return self->entry == Entry::interrupted ? WaitResult::interrupted : WaitResult::acquired;
}

bool renew_writer(void* wait) {
  auto* self = static_cast<WriteWait*>(wait);
  std::destroy_at(&self->state);
  std::construct_at(&self->state);
  return get_thread_number(&self->me);
}

// In the way of a writer is the one that is inside, or the readers that are; not writers that only
// wait in the same line.
shared::SharedWant want_to_write(void* wait) {
  const auto* self = static_cast<const WriteWait*>(wait);
  shared::SharedWant want = want_of(self->self, Mode::write);
  const ThreadNumber writer = self->lock.writer();
  if (writer != shared::kNobody) {
    want.blockers.add(writer, Mode::write);
  } else {
    self->lock.for_each_reader([&](ThreadNumber number, std::uint32_t) {
      if (number != self->me) want.blockers.add(number, Mode::read);
    });
  }
  return want;
}

// `acquired` if there is an entry that says how it went.
Waited wait_to_write(PyObject* self, ThreadNumber me, Deadline deadline, IfDead if_dead,
                     Entry* entry) {
  *entry = shared_rwlock(self).try_write(me, if_dead);
  if (*entry != Entry::timed_out) return Waited::acquired;
  WriteWait wait{self, shared_rwlock(self), me, if_dead, {}};
  const Waited waited =
      wait_for({&wait, sleep_to_write, nullptr, &lock_header(self)->stats,
                &shared_object(self)->primitive->totals, want_to_write, renew_writer},
               deadline);
  if (waited != Waited::acquired) shared_rwlock(self).give_up(wait.me, wait.state);
  *entry = wait.entry;
  return waited;
}

void back_to_doubt(PyObject* self) {
  static_cast<void>(shared_rwlock(self).release_write_in_doubt(own_number()));
}

// What was taken in doubt is made whole by the policy: this writer's own death is then what the
// next one is told of.
Waited settle_write(PyObject* self, Entry entry, const shared::DeadOwner& death) {
  const Waited waited = settle_entry(self, entry, death, policy_of(self), back_to_doubt);
  if (waited == Waited::acquired && entry == Entry::acquired_in_doubt) {
    shared_rwlock(self).make_whole();
  }
  return waited;
}

// Somebody has recovered it since it was seen in doubt: to be tried again.
bool is_recovered(const shared::DeadOwner& death) { return death.found_ns == 0; }

Waited enter_to_write(PyObject* self, ThreadNumber me, Deadline deadline, bool may_wait,
                      IfDead if_dead) {
  for (;;) {
    Entry entry = Entry::timed_out;
    if (may_wait) {
      const Waited waited = wait_to_write(self, me, deadline, if_dead, &entry);
      if (waited != Waited::acquired) return waited;
      me = own_number();  // another one in a child that a signal handler has forked
    } else {
      entry = shared_rwlock(self).try_write(me, if_dead);
    }
    const shared::DeadOwner death = shared_rwlock(self).death();
    if (entry == Entry::in_doubt && is_recovered(death)) continue;
    return settle_write(self, entry, death);
  }
}

}  // namespace

Waited try_to_write(PyObject* self) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return Waited::error;
  if (reads_only(self, me)) return Waited::timed_out;
  const IfDead if_dead = policy_of(self).if_dead();
  return note_if_first(self, Mode::write,
                       enter_to_write(self, me, Deadline::expired(), false, if_dead));
}

Waited take_write(PyObject* self, Deadline deadline) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return Waited::error;
  if (reads_only(self, me)) {
    static_cast<void>(this_thread());  // so that it gets its name
    raise_upgrade_error(self);
    return Waited::error;
  }
  if (is_tracking() && deadline.is_never() && is_new_to(self, me) && !check_order(self)) {
    return Waited::error;
  }
  const IfDead if_dead = policy_of(self).if_dead();
  return note_if_first(self, Mode::write, enter_to_write(self, me, deadline, true, if_dead));
}

bool release_write(PyObject* self) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return false;
  if (shared_rwlock(self).release_write(me)) [[likely]] {
    note_if_last(self);
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "cannot release a write lock that this thread does not hold");
  return false;
}

// --- reading

namespace {

struct ReadWait {
  PyObject* self;
  RWLock& lock;
  ThreadNumber me;
  Read entry = Read::timed_out;
};

WaitResult sleep_to_read(void* wait, Deadline deadline) {
  auto* self = static_cast<ReadWait*>(wait);
  self->entry = self->lock.read(self->me, deadline);
  if (self->entry == Read::timed_out) return WaitResult::timed_out;
  return self->entry == Read::interrupted ? WaitResult::interrupted : WaitResult::acquired;
}

bool renew_reader(void* wait) { return get_thread_number(&static_cast<ReadWait*>(wait)->me); }

// In the way of a reader is the writer that is inside; or the one that is next, and so the readers
// for which that one waits.
shared::SharedWant want_to_read(void* wait) {
  const auto* self = static_cast<const ReadWait*>(wait);
  shared::SharedWant want = want_of(self->self, Mode::read);
  want.blockers.add(self->lock.turn(), Mode::write);
  return want;
}

bool go_on_reading(PyObject* self, ThreadNumber me) {
  if (shared_rwlock(self).downgrade(me) != RWLock::Downgrade::full) return true;
  static_cast<void>(shared_rwlock(self).release_write(me));
  static_cast<void>(refuse_readers());
  return false;
}

// A writer died inside. Somebody has to write who makes it whole, or says that it is.
Waited write_and_read(PyObject* self, ThreadNumber me, Deadline deadline, bool may_wait) {
  const Waited waited = enter_to_write(self, me, deadline, may_wait, IfDead::take_over);
  if (waited != Waited::acquired) return waited;
  return go_on_reading(self, me) ? Waited::acquired : Waited::error;
}

Waited enter_to_read(PyObject* self, ThreadNumber me, Deadline deadline, bool may_wait) {
  for (;;) {
    ReadWait wait{self, shared_rwlock(self), me, shared_rwlock(self).try_read(me)};
    if (wait.entry == Read::timed_out && may_wait) {
      const Waited waited =
          wait_for({&wait, sleep_to_read, nullptr, &lock_header(self)->stats,
                    &shared_object(self)->primitive->totals, want_to_read, renew_reader},
                   deadline);
      if (waited != Waited::acquired) return waited;
      me = own_number();
    }
    if (wait.entry == Read::acquired) return Waited::acquired;
    if (wait.entry == Read::full) return refuse_readers();
    if (wait.entry != Read::in_doubt) return Waited::timed_out;
    if (!policy_of(self).raises()) return write_and_read(self, me, deadline, may_wait);
    const shared::DeadOwner death = shared_rwlock(self).death();
    if (!is_recovered(death)) return settle_write(self, Entry::in_doubt, death);
  }
}

}  // namespace

Waited try_to_read(PyObject* self) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return Waited::error;
  return note_if_first(self, Mode::read, enter_to_read(self, me, Deadline::expired(), false));
}

Waited take_read(PyObject* self, Deadline deadline) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return Waited::error;
  if (is_tracking() && deadline.is_never() && is_new_to(self, me) && !check_order(self)) {
    return Waited::error;
  }
  return note_if_first(self, Mode::read, enter_to_read(self, me, deadline, true));
}

bool release_read(PyObject* self) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return false;
  if (shared_rwlock(self).release_read(me)) [[likely]] {
    note_if_last(self);
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "cannot release a read lock that this thread does not hold");
  return false;
}

// --- recovery

Waited recover(PyObject* self, Deadline deadline, bool* was_in_doubt) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return Waited::error;
  if (!is_new_to(self, me)) {
    PyErr_Format(errors().deadlock_error, "%R is held by this thread already", self);
    return Waited::deadlock;
  }
  Entry entry = Entry::timed_out;
  const Waited waited = wait_to_write(self, me, deadline, IfDead::take_over, &entry);
  *was_in_doubt = entry == Entry::acquired_in_doubt;
  return note_if_first(self, Mode::write, waited);
}

void release_in_doubt(PyObject* self) {
  back_to_doubt(self);
  note_if_last(self);
}

}  // namespace rwlock_operations
}  // namespace nativeconc::seam
