// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.Lock.
#include <new>

#include "bindings.hpp"
#include "lock_header.hpp"
#include "lock_methods.hpp"
#include "lock_object.hpp"
#include "lock_operations.hpp"
#include "nativeconc/sync/lock.hpp"
#include "stats.hpp"
#include "thread_name.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

struct LockObject {
  LockHeader header;
  sync::Lock lock;
};

sync::Lock& core(PyObject* self) { return reinterpret_cast<LockObject*>(self)->lock; }

struct LockWait {
  PyObject* self;
  sync::Lock& lock;
  deadlock::ThreadId me;
  sync::Waiter waiter;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<LockWait*>(wait);
  return self->lock.acquire(self->me, deadline, self->waiter);
}

// Any thread may release it, so nobody who waits for it is certainly stuck.
deadlock::Want want(void* wait) {
  auto* self = static_cast<LockWait*>(wait);
  deadlock::Want result;
  result.lock = self->self;
  result.owned = &self->lock;
  result.owner = [](const void* lock) { return static_cast<const sync::Lock*>(lock)->owner(); };
  result.certain = false;
  return result;
}

Waited wait_for_lock(PyObject* self, Deadline deadline) {
  if (kMaySpin && core(self).spin(this_thread())) return Waited::acquired;
  LockWait wait{self, core(self), this_thread(), {}};
  return wait_for({&wait, sleep, want, &lock_header(self)->stats}, deadline);
}

Waited try_lock(PyObject* self) {
  if (!core(self).try_acquire(this_thread())) return Waited::timed_out;
  if (is_tracking()) [[unlikely]]
    note_taken(self, deadlock::Mode::lock);
  return Waited::acquired;
}

Waited take_lock(PyObject* self, Deadline deadline) {
  if (is_tracking() && deadline.is_never() && !check_order(self)) return Waited::error;
  if (core(self).try_acquire(this_thread())) [[likely]] {
    if (is_tracking()) [[unlikely]]
      note_taken(self, deadlock::Mode::lock);
    return Waited::acquired;
  }
  const Waited waited = wait_for_lock(self, deadline);
  if (is_tracking() && waited == Waited::acquired) note_taken(self, deadlock::Mode::lock);
  return waited;
}

bool release_lock(PyObject* self) {
  const deadlock::ThreadId owner = is_tracking() ? core(self).owner() : deadlock::kNobody;
  if (core(self).release()) [[likely]] {
    if (owner != deadlock::kNobody) [[unlikely]]
      note_released(self, owner);
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "release unlocked lock");
  return false;
}

constexpr LockOperations kOperations{try_lock, take_lock, release_lock};

using Methods = LockMethods<kOperations>;

}  // namespace

PyTypeObject* lock_type = nullptr;

bool is_locked(PyObject* lock) { return core(lock).is_locked(); }

namespace {

PyObject* lock_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = new_lock(type);
  if (self != nullptr) new (&core(self)) sync::Lock;
  return self;
}

int lock_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init_lock(self, args, kwargs, "|$O:Lock");
}

PyObject* lock_locked(PyObject* self, PyObject*) { return PyBool_FromLong(core(self).is_locked()); }

PyObject* lock_stats(PyObject* self, PyObject*) {
  return make_stats(lock_header(self)->stats, core(self).owner());
}

PyObject* lock_at_fork_reinit(PyObject* self, PyObject*) {
  const deadlock::ThreadId owner = core(self).owner();
  core(self).reset();
  if (owner != deadlock::kNobody) note_released(self, owner);
  Py_RETURN_NONE;
}

PyObject* repr(PyObject* self) {
  return lock_repr(self, core(self).is_locked() ? "locked" : "unlocked", "");
}

PyMethodDef methods[] = {
    {"acquire", as_method(Methods::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Take the lock, waiting until it is free. Returns True, or False if it could not be taken.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; the lock is not held "
     "then.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release", Methods::release, METH_NOARGS,
     "release($self, /)\n--\n\n"
     "Give the lock back. Any thread may do it, not only the one that took it. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not locked."},
    {"locked", lock_locked, METH_NOARGS,
     "locked($self, /)\n--\n\nReturn whether the lock is taken at this moment."},
    {"timeout", Methods::timeout, METH_O, kTimeoutDoc},
    {"stats", lock_stats, METH_NOARGS, kStatsDoc},
    {"__enter__", Methods::enter, METH_NOARGS, "Acquire."},
    {"__exit__", as_method(Methods::exit), METH_FASTCALL, "Release."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {"_at_fork_reinit", lock_at_fork_reinit, METH_NOARGS, kAtForkReinitDoc},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Lock(*, name=None)\n--\n\n"
         "A mutual-exclusion lock: a drop-in for threading.Lock, about twice as fast.\n\n"
         "Newcomers may take a free lock before a thread that is just waking up; a thread that "
         "has\n"
         "waited 1 ms is handed the lock next. A waiting main thread wakes up for Ctrl-C.\n\n"
         "Can be subclassed and weakly referenced, not pickled. A subclass that changes acquire() "
         "or\n"
         "release() changes __enter__() and __exit__() too: they do not call them. A forked child\n"
         "finds the lock as it was; waiters of the parent are forgotten. If a thread that the "
         "child\n"
         "does not have holds it, waiting for it there without a timeout is a DeadlockError.\n\n"
         "Args:\n"
         "    name: what reports call the lock.\n\n"
         "Source: barging with hand-over as in WebKit's WTF::Lock; the state machine is described "
         "in\n"
         "cpp/nativeconc/sync/permit_state.hpp.")},
    {Py_tp_new, as_slot(lock_new)},
    {Py_tp_init, as_slot(lock_init)},
    {Py_tp_dealloc, as_slot(dealloc_lock)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, lock_properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.Lock", sizeof(LockObject), 0, kHeapTypeFlags | Py_TPFLAGS_BASETYPE,
                    slots};

}  // namespace

void bind_lock(py::module_& m) {
  lock_type = add_heap_type(m, spec);
  add_lock_type(lock_type, [](PyObject* self) { return core(self).owner(); });
  add_operations(lock_type, kOperations);
}

}  // namespace nativeconc::seam
