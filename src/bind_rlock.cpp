// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.RLock.
#include <new>
#include <string>

#include "bindings.hpp"
#include "condition_lock.hpp"
#include "lock_header.hpp"
#include "lock_methods.hpp"
#include "lock_operations.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "nativeconc/sync/rlock.hpp"
#include "rlock_object.hpp"
#include "stats.hpp"
#include "thread_name.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

using sync::RLock;

struct RLockObject {
  LockHeader header;
  RLock lock;
};

RLock& core(PyObject* self) { return reinterpret_cast<RLockObject*>(self)->lock; }

struct RLockWait {
  PyObject* self;
  RLock& lock;
  deadlock::ThreadId me;
  sync::Waiter waiter;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<RLockWait*>(wait);
  return self->lock.acquire(self->me, deadline, self->waiter);
}

deadlock::Want want(void* wait) {
  auto* self = static_cast<RLockWait*>(wait);
  deadlock::Want result;
  result.lock = self->self;
  result.owned = &self->lock.lock();
  result.owner = [](const void* lock) { return static_cast<const sync::Lock*>(lock)->owner(); };
  result.roused = &self->waiter.roused;
  result.rouses = &self->lock;
  result.rouse = [](void* rlock) { static_cast<RLock*>(rlock)->rouse(); };
  return result;
}

Waited wait_for_rlock(PyObject* self, Deadline deadline) {
  if (kMaySpin && core(self).spin(this_thread())) return Waited::acquired;
  RLockWait wait{self, core(self), this_thread(), {}};
  return wait_for({&wait, sleep, want, &lock_header(self)->stats}, deadline);
}

// Takes it at once if it can be: free, or this thread's already.
Waited try_rlock(PyObject* self) {
  RLock& lock = core(self);
  const deadlock::ThreadId me = this_thread();
  if (lock.is_owned_by(me) && lock.depth() == RLock::kMaxDepth) {
    PyErr_SetString(PyExc_OverflowError, "the lock has been taken too often");
    return Waited::error;
  }
  if (!lock.try_acquire(me)) return Waited::timed_out;
  if (is_tracking() && lock.depth() == 1) [[unlikely]]
    note_taken(self, deadlock::Mode::lock);
  return Waited::acquired;
}

// Takes one level, whatever the order of locks.
Waited take_level(PyObject* self, Deadline deadline) {
  const Waited tried = try_rlock(self);
  if (tried != Waited::timed_out) [[likely]]
    return tried;
  const Waited waited = wait_for_rlock(self, deadline);
  const bool is_first = waited == Waited::acquired && core(self).depth() == 1;
  if (is_tracking() && is_first) note_taken(self, deadlock::Mode::lock);
  return waited;
}

Waited take_rlock(PyObject* self, Deadline deadline) {
  if (is_tracking() && deadline.is_never() && !core(self).is_owned_by(this_thread()) &&
      !check_order(self)) {
    return Waited::error;
  }
  return take_level(self, deadline);
}

// Wakes nobody whom this thread has notified.
bool release_quietly(PyObject* self) {
  const deadlock::ThreadId me = this_thread();
  const bool is_last = is_tracking() && core(self).depth() == 1;
  if (core(self).release(me)) [[likely]] {
    if (is_last) [[unlikely]]
      note_released(self, me);
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "cannot release un-acquired lock");
  return false;
}

bool release_rlock(PyObject* self) {
  const bool is_released = release_quietly(self);
  os::wake_deferred();
  return is_released;
}

constexpr LockOperations kOperations{try_rlock, take_rlock, release_rlock};

using Methods = LockMethods<kOperations>;

}  // namespace

PyTypeObject* rlock_type = nullptr;

bool is_own_rlock(PyObject* rlock) { return core(rlock).is_owned_by(this_thread()); }

std::uint32_t give_up_rlock(PyObject* rlock) {
  const std::uint32_t depth = is_own_rlock(rlock) ? core(rlock).depth() : 0;
  if (depth > 0) core(rlock).set_depth(1);
  return release_quietly(rlock) ? depth : 0;
}

Waited take_back_rlock(PyObject* rlock, std::uint32_t depth) {
  const Waited waited = take_level(rlock, Deadline::never());
  // More than one level if a signal handler has taken the lock meanwhile, and keeps it.
  if (waited == Waited::acquired) core(rlock).set_depth(core(rlock).depth() + depth - 1);
  return waited;
}

namespace {

PyObject* rlock_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = new_lock(type);
  if (self == nullptr) return nullptr;
  new (&core(self)) RLock;
  return self;
}

int rlock_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init_lock(self, args, kwargs, "|$O:RLock");
}

PyObject* rlock_locked(PyObject* self, PyObject*) {
  return PyBool_FromLong(core(self).lock().is_locked());
}

PyObject* rlock_stats(PyObject* self, PyObject*) {
  return make_stats(lock_header(self)->stats, core(self).lock().owner());
}

PyObject* rlock_is_owned(PyObject* self, PyObject*) {
  return PyBool_FromLong(core(self).is_owned_by(this_thread()));
}

PyObject* rlock_recursion_count(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLong(core(self).is_owned_by(this_thread()) ? core(self).depth() : 0);
}

PyObject* rlock_release_save(PyObject* self, PyObject*) {
  const std::uint32_t depth = give_up_rlock(self);
  os::wake_deferred();
  return depth == 0 ? nullptr : PyLong_FromUnsignedLong(depth);
}

PyObject* rlock_acquire_restore(PyObject* self, PyObject* saved) {
  const unsigned long depth = PyLong_AsUnsignedLong(saved);
  if (depth == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  if (depth < 1 || depth > RLock::kMaxDepth) {
    PyErr_Format(PyExc_ValueError, "not a state that _release_save returns: %R", saved);
    return nullptr;
  }
  if (!take_rlock_back(self, saved) || PyErr_Occurred() != nullptr) return nullptr;
  Py_RETURN_NONE;
}

PyObject* rlock_at_fork_reinit(PyObject* self, PyObject*) {
  const deadlock::ThreadId owner = core(self).lock().owner();
  core(self).reset();
  if (owner != deadlock::kNobody) note_released(self, owner);
  Py_RETURN_NONE;
}

PyObject* repr(PyObject* self) {
  const sync::Lock& lock = core(self).lock();
  const deadlock::ThreadId owner = lock.owner();
  const std::uint64_t ident = owner == deadlock::kNobody ? 0 : deadlock::thread_info(owner).ident;
  const std::string details =
      " owner=" + std::to_string(ident) + " count=" + std::to_string(core(self).depth());
  return lock_repr(self, lock.is_locked() ? "locked" : "unlocked", details.c_str());
}

PyMethodDef methods[] = {
    {"acquire", as_method(Methods::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Take the lock, once more if this thread has it already. Returns True, or False if it could\n"
     "not be taken.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    DeadlockError: the wait would never end; the lock is not held then.\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; the lock is not held "
     "then.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release", Methods::release, METH_NOARGS,
     "release($self, /)\n--\n\n"
     "Undo one acquire(); the last one gives the lock back. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not have the lock."},
    {"locked", rlock_locked, METH_NOARGS,
     "locked($self, /)\n--\n\nReturn whether any thread has the lock at this moment."},
    {"timeout", Methods::timeout, METH_O, kTimeoutDoc},
    {"stats", rlock_stats, METH_NOARGS, kStatsDoc},
    {"__enter__", Methods::enter, METH_NOARGS, "Acquire."},
    {"__exit__", as_method(Methods::exit), METH_FASTCALL, "Release."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    // What threading.Condition and CPython's tests ask of an RLock.
    {"_is_owned", rlock_is_owned, METH_NOARGS, "Return whether this thread has the lock."},
    {"_recursion_count", rlock_recursion_count, METH_NOARGS,
     "Return how often this thread has taken the lock."},
    {"_release_save", rlock_release_save, METH_NOARGS,
     "Give the lock back altogether; returns what _acquire_restore needs."},
    {"_acquire_restore", rlock_acquire_restore, METH_O, "Take the lock as often as it was."},
    {"_at_fork_reinit", rlock_at_fork_reinit, METH_NOARGS, kAtForkReinitDoc},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "RLock(*, name=None)\n--\n\n"
         "A lock that its owner may take again: a drop-in for threading.RLock, and faster.\n\n"
         "Only the thread that took it can release it, so a circle of threads that wait for each\n"
         "other's RLocks can never end by itself: one of them gets a DeadlockError that names "
         "them\n"
         "all. The same goes for a lock whose owner has ended without releasing it.\n\n"
         "Newcomers may take a free lock before a thread that is just waking up; a thread that "
         "has\n"
         "waited 1 ms is handed the lock next. A waiting main thread wakes up for Ctrl-C.\n\n"
         "Can be subclassed and weakly referenced, not pickled. A subclass that changes acquire() "
         "or\n"
         "release() changes __enter__() and __exit__() too: they do not call them. A forked child\n"
         "keeps what the forking thread held; waiting for what another thread held there is a\n"
         "DeadlockError.\n\n"
         "Args:\n"
         "    name: what reports call the lock.")},
    {Py_tp_new, as_slot(rlock_new)},
    {Py_tp_init, as_slot(rlock_init)},
    {Py_tp_dealloc, as_slot(dealloc_lock)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, lock_properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.RLock", sizeof(RLockObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void bind_rlock(py::module_& m) {
  rlock_type = add_heap_type(m, spec);
  add_lock_type(rlock_type, [](PyObject* self) { return core(self).lock().owner(); });
  add_operations(rlock_type, kOperations);
}

}  // namespace nativeconc::seam
