// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.RWLock.
#include <new>

#include "bindings.hpp"
#include "deadlock_report.hpp"
#include "lock_header.hpp"
#include "lock_methods.hpp"
#include "lock_operations.hpp"
#include "nativeconc/sync/rwlock.hpp"
#include "stats.hpp"
#include "thread_name.hpp"
#include "timed_entry.hpp"
#include "timeout.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

using deadlock::Mode;
using sync::RWLock;

struct RWLockObject {
  LockHeader header;
  RWLock lock;
};

RWLock& core(PyObject* self) { return reinterpret_cast<RWLockObject*>(self)->lock; }

bool is_new_to_this_thread(PyObject* self) {
  return core(self).own_reads() == 0 && !core(self).is_writing();
}

// After a wait, in which a signal handler may have taken the lock before, and kept it.
void note_first(PyObject* self, Mode mode) {
  if (is_tracking() && core(self).own_reads() + core(self).own_writes() == 1) {
    note_taken(self, mode);
  }
}

// --- reading

struct ReadWait {
  PyObject* self;
  RWLock& lock;
};

WaitResult sleep_to_read(void* wait, Deadline deadline) {
  return static_cast<ReadWait*>(wait)->lock.read(deadline);
}

// In the way of a reader is the writer that is inside; or the one that is next, and so the readers
// for which that one waits.
deadlock::Want want_to_read(void* wait) {
  auto* self = static_cast<ReadWait*>(wait);
  deadlock::Want result;
  result.lock = self->self;
  result.mode = Mode::read;
  result.owned = &self->lock;
  result.owner = RWLock::current_turn;
  result.owned_as = Mode::write;
  result.is_through = RWLock::has_let_in;
  result.readers_of = self->lock.id();
  result.is_inside = RWLock::is_written;
  return result;
}

Waited try_to_read(PyObject* self) {
  static_cast<void>(this_thread());  // so that it gets its name
  const bool is_first = is_tracking() && is_new_to_this_thread(self);
  switch (core(self).try_read()) {
    case RWLock::Try::acquired:
      if (is_first) [[unlikely]]
        note_taken(self, Mode::read);
      return Waited::acquired;
    case RWLock::Try::busy:
      return Waited::timed_out;
    case RWLock::Try::full:
      PyErr_SetString(PyExc_OverflowError, "too many threads read at once");
      return Waited::error;
    default:
      PyErr_NoMemory();
      return Waited::error;
  }
}

Waited take_read(PyObject* self, Deadline deadline) {
  if (is_tracking() && deadline.is_never() && is_new_to_this_thread(self) && !check_order(self)) {
    return Waited::error;
  }
  const Waited tried = try_to_read(self);
  if (tried != Waited::timed_out) [[likely]]
    return tried;
  ReadWait wait{self, core(self)};
  const Waited waited =
      wait_for({&wait, sleep_to_read, want_to_read, &lock_header(self)->stats}, deadline);
  if (waited == Waited::acquired) note_first(self, Mode::read);
  return waited;
}

bool release_read(PyObject* self) {
  if (core(self).release_read()) [[likely]] {
    if (is_tracking() && is_new_to_this_thread(self)) note_released(self, this_thread());
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "cannot release a read lock that this thread does not hold");
  return false;
}

constexpr LockOperations kReading{try_to_read, take_read, release_read};

// --- writing

struct WriteWait {
  PyObject* self;
  RWLock& lock;
  RWLock::WriteWait state;
};

WaitResult sleep_to_write(void* wait, Deadline deadline) {
  auto* self = static_cast<WriteWait*>(wait);
  return self->lock.write(deadline, self->state);
}

// In the way of a writer is the one that is inside, or the readers that are; not writers that only
// wait in the same line.
deadlock::Want want_to_write(void* wait) {
  auto* self = static_cast<WriteWait*>(wait);
  deadlock::Want result;
  result.lock = self->self;
  result.mode = Mode::write;
  result.owned = &self->lock;
  result.owner = RWLock::current_turn;
  result.owned_as = Mode::write;
  result.readers_of = self->lock.id();
  result.is_inside = RWLock::is_written;
  return result;
}

// It reads, and would wait for itself to stop.
bool reads_only(PyObject* self) { return core(self).own_reads() > 0 && !core(self).is_writing(); }

Waited try_to_write(PyObject* self) {
  static_cast<void>(this_thread());
  const bool is_first = is_tracking() && is_new_to_this_thread(self);
  if (reads_only(self) || !core(self).try_write()) return Waited::timed_out;
  if (is_first) [[unlikely]]
    note_taken(self, Mode::write);
  return Waited::acquired;
}

Waited take_write(PyObject* self, Deadline deadline) {
  static_cast<void>(this_thread());  // so that it gets its name
  if (reads_only(self)) {
    raise_upgrade_error(self);
    return Waited::error;
  }
  if (is_tracking() && deadline.is_never() && is_new_to_this_thread(self) && !check_order(self)) {
    return Waited::error;
  }
  const Waited tried = try_to_write(self);
  if (tried != Waited::timed_out) [[likely]]
    return tried;
  WriteWait wait{self, core(self), {}};
  const Waited waited =
      wait_for({&wait, sleep_to_write, want_to_write, &lock_header(self)->stats}, deadline);
  if (waited != Waited::acquired) core(self).give_up(wait.state);
  if (waited == Waited::acquired) note_first(self, Mode::write);
  return waited;
}

bool release_write(PyObject* self) {
  if (core(self).release_write()) [[likely]] {
    if (is_tracking() && is_new_to_this_thread(self)) note_released(self, this_thread());
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "cannot release a write lock that this thread does not hold");
  return false;
}

constexpr LockOperations kWriting{try_to_write, take_write, release_write};

// --- methods

using Reading = LockMethods<kReading>;
using Writing = LockMethods<kWriting>;

PyObject* entry(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                const LockOperations& operations, const char* method) {
  PyObject* timeout = nullptr;
  if (!parse_one(method, "timeout", args, nargs, kwnames, &timeout)) return nullptr;
  return make_entry(self, timeout == nullptr ? Py_None : timeout, operations);
}

PyObject* rwlock_read(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry(self, args, nargs, kwnames, kReading, "read");
}

PyObject* rwlock_write(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry(self, args, nargs, kwnames, kWriting, "write");
}

PyObject* rwlock_downgrade(PyObject* self, PyObject*) {
  switch (core(self).downgrade()) {
    case RWLock::Downgrade::done:
      if (is_tracking()) {
        note_released(self, this_thread());
        note_taken(self, Mode::read);
      }
      Py_RETURN_NONE;
    case RWLock::Downgrade::not_writing:
      PyErr_SetString(PyExc_RuntimeError, "cannot downgrade: this thread does not write");
      return nullptr;
    case RWLock::Downgrade::nested:
      PyErr_SetString(PyExc_RuntimeError,
                      "cannot downgrade: this thread has taken the write lock more than once");
      return nullptr;
    default:
      return PyErr_NoMemory();
  }
}

PyObject* rwlock_stats(PyObject* self, PyObject*) {
  return make_stats(lock_header(self)->stats, core(self).writer());
}

PyObject* rwlock_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = new_lock(type);
  if (self != nullptr) new (&core(self)) RWLock;
  return self;
}

int rwlock_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init_lock(self, args, kwargs, "|$O:RWLock");
}

PyObject* repr(PyObject* self) {
  const char* state = core(self).writer() != deadlock::kNobody ? "write-locked"
                      : core(self).readers() > 0               ? "read-locked"
                                                               : "unlocked";
  return lock_repr(self, state, "");
}

PyMethodDef methods[] = {
    {"read", as_method(rwlock_read), METH_FASTCALL | METH_KEYWORDS,
     "read($self, /, timeout=None)\n--\n\n"
     "Return a context manager that reads: with others who read, never beside a writer.\n\n"
     "    with rwlock.read():\n"
     "        ...\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None waits for ever.\n\n"
     "Raises:\n"
     "    ValueError: the timeout is negative or NaN.\n"
     "    LockTimeout: on entering, when the time is up; the body does not run."},
    {"write", as_method(rwlock_write), METH_FASTCALL | METH_KEYWORDS,
     "write($self, /, timeout=None)\n--\n\n"
     "Return a context manager that writes: alone.\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None waits for ever.\n\n"
     "Raises:\n"
     "    ValueError: the timeout is negative or NaN.\n"
     "    LockTimeout: on entering, when the time is up; the body does not run.\n"
     "    DeadlockError: on entering, when this thread reads: it would wait for itself."},
    {"acquire_read", as_method(Reading::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire_read($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Begin to read, once more if this thread reads or writes already. Returns whether it may.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    DeadlockError: the wait would never end.\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX, or more than some 30000 threads "
     "read.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release_read", Reading::release, METH_NOARGS,
     "release_read($self, /)\n--\n\n"
     "Undo one acquire_read(). Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not read."},
    {"acquire_write", as_method(Writing::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire_write($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Begin to write, once more if this thread writes already. Returns whether it may.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    DeadlockError: this thread reads, or the wait would never end.\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release_write", Writing::release, METH_NOARGS,
     "release_write($self, /)\n--\n\n"
     "Undo one acquire_write(). A thread that still reads goes on as a reader. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not write."},
    {"downgrade", rwlock_downgrade, METH_NOARGS,
     "downgrade($self, /)\n--\n\n"
     "Go on as a reader: no other writer comes in between. Give it back with release_read().\n"
     "Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not write, or has begun to more than once."},
    {"stats", rwlock_stats, METH_NOARGS, kStatsDoc},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "RWLock(*, name=None)\n--\n\n"
         "A reader-writer lock: many threads read at once, or one writes.\n\n"
         "Neither side starves: who comes to read while a writer waits lets it go first, and when\n"
         "a writer has finished, all who waited to read go before the next writer. A thread may\n"
         "read inside its own read or write, and write inside its own write; all are counted.\n"
         "To write inside one's own read alone is a DeadlockError: use write() from the start, "
         "and\n"
         "downgrade().\n\n"
         "Can be subclassed and weakly referenced, not pickled. A forked child keeps what the\n"
         "forking thread held; waiting for what another thread held there is a DeadlockError.\n\n"
         "Args:\n"
         "    name: what reports call the lock.\n\n"
         "Source: phases of readers and writers that alternate, after Brandenburg and Anderson,\n"
         "\"Spin-based reader-writer synchronization for multiprocessor real-time systems\" "
         "(2010).")},
    {Py_tp_new, as_slot(rwlock_new)},
    {Py_tp_init, as_slot(rwlock_init)},
    {Py_tp_dealloc, as_slot(dealloc_lock)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, lock_properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.RWLock", sizeof(RWLockObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void bind_rwlock(py::module_& m) {
  PyTypeObject* type = add_heap_type(m, spec);
  add_lock_type(type, [](PyObject* self) { return core(self).writer(); });
  add_operations(type, kWriting);
}

}  // namespace nativeconc::seam
