// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Lock.
#include "bindings.hpp"
#include "lock_methods.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "recovery.hpp"
#include "shared_lock_object.hpp"
#include "stats.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

constexpr shared::PrimitiveKind kKind = shared::PrimitiveKind::lock;

Waited note_if_taken(PyObject* self, Waited waited) {
  if (is_tracking() && waited == Waited::acquired) [[unlikely]]
    note_taken(self, deadlock::Mode::lock);
  return waited;
}

Waited try_lock(PyObject* self) {
  shared::ThreadNumber me = shared::kNobody;
  if (!is_made(self) || !get_thread_number(&me)) return Waited::error;
  if (shared_lock(self).try_acquire(me)) [[likely]]
    return note_if_taken(self, Waited::acquired);
  return note_if_taken(self, look_at_shared_lock(self, me));
}

Waited take_lock(PyObject* self, Deadline deadline) {
  shared::ThreadNumber me = shared::kNobody;
  if (!is_made(self) || !get_thread_number(&me)) return Waited::error;
  if (is_tracking() && deadline.is_never() && !check_order(self)) return Waited::error;
  if (shared_lock(self).try_acquire(me)) [[likely]]
    return note_if_taken(self, Waited::acquired);
  return note_if_taken(self, wait_for_shared_lock(self, me, deadline));
}

bool release_lock(PyObject* self) {
  if (!is_made(self)) return false;
  if (shared_lock(self).release(shared::detail::this_thread_number)) [[likely]] {
    if (is_tracking()) [[unlikely]]
      note_released(self, this_thread());
    os::wake_deferred();
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError,
                  shared_lock(self).owner() == shared::kNobody
                      ? "release unlocked lock"
                      : "cannot release a shared lock that another thread has taken");
  return false;
}

constexpr LockOperations kOperations{try_lock, take_lock, release_lock};

using Methods = LockMethods<kOperations>;

void release_in_doubt(PyObject* self) {
  static_cast<void>(shared_lock(self).release_in_doubt(shared::detail::this_thread_number));
  if (is_tracking()) note_released(self, this_thread());
  os::wake_deferred();
}

constexpr RecoveryOperations kRecovery{recover_shared_lock,
                                       [](PyObject* self) { return shared_lock(self).death(); },
                                       release_lock, release_in_doubt};

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init_shared_lock(self, args, kwargs, "|$OO:Lock", "Lock", kKind);
}

PyObject* over(PyObject* type, PyObject* args) { return make_lock_over(type, args, kKind); }

PyObject* locked(PyObject* self, PyObject*) {
  return is_made(self) ? PyBool_FromLong(shared_lock(self).is_locked() ? 1 : 0) : nullptr;
}

PyObject* is_owned(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  return PyBool_FromLong(own_thread_if_owner(self) != deadlock::kNobody ? 1 : 0);
}

PyObject* stats(PyObject* self, PyObject*) {
  return is_made(self) ? make_shared_stats(self, shared_owner(self)) : nullptr;
}

PyObject* recover(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return make_recovery(self, args, nargs, kwnames, kRecovery);
}

PyObject* repr(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return shared_repr(self, "unmade", "");
  const bool is_in_doubt = shared_lock(self).owner() == shared::Lock::kInDoubt;
  return shared_repr(self,
                     is_in_doubt                     ? "in-doubt"
                     : shared_lock(self).is_locked() ? "locked"
                                                     : "unlocked",
                     "");
}

PyMethodDef methods[] = {
    {"acquire", as_method(Methods::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Take the lock, waiting until it is free. Returns True, or False if it could not be taken.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    OwnerDiedError: the thread that had it ended; the lock is not held, and stays in doubt\n"
     "        until recover() has made it good. Not with on_owner_death='continue' or a callable.\n"
     "    DeadlockError: the wait would never end; the lock is not held then.\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; the lock is not held "
     "then.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release", Methods::release, METH_NOARGS,
     "release($self, /)\n--\n\n"
     "Give the lock back. Only the thread that took it can do it. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not have the lock."},
    {"locked", locked, METH_NOARGS,
     "locked($self, /)\n--\n\nReturn whether the lock is taken, or in doubt, at this moment."},
    {"recover", as_method(recover), METH_FASTCALL | METH_KEYWORDS, kRecoverDoc},
    {"timeout", Methods::timeout, METH_O, kTimeoutDoc},
    {"stats", stats, METH_NOARGS, kStatsDoc},
    {"__enter__", Methods::enter, METH_NOARGS, "Acquire."},
    {"__exit__", as_method(Methods::exit), METH_FASTCALL, "Release."},
    {"__reduce__", reduce_shared_lock, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_over", over, METH_VARARGS | METH_CLASS, "A lock over the memory of another: pickle's."},
    // What Condition asks of a lock.
    {"_is_owned", is_owned, METH_NOARGS, "Return whether this thread has the lock."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Lock(*, name=None, on_owner_death='raise')\n--\n\n"
         "A mutual-exclusion lock between processes that survives kill -9 of its owner.\n\n"
         "As nativeconc.Lock, but among the threads of all processes that have it, and only the\n"
         "thread that took it can release it. A thread, or a process, that ends while it has the\n"
         "lock leaves it in doubt: nobody hangs, and nobody goes on unaware.\n\n"
         "Pickles as a handle of the same lock. A forked child has it too, but not what its "
         "parent\n"
         "holds. Can be subclassed and weakly referenced.\n\n"
         "Args:\n"
         "    name: what unrelated processes know it by; the first makes it, and it goes with the\n"
         "        last. None: only those to whom it is handed have it.\n"
         "    on_owner_death: 'raise': acquiring raises OwnerDiedError until recover() has made "
         "it\n"
         "        good. 'continue': it is simply taken. A callable: it is called with the lock "
         "held\n"
         "        and a DeadOwner, to repair what is protected; if it raises, the lock stays in "
         "doubt.\n\n"
         "Raises:\n"
         "    ValueError: the name cannot be one, or belongs to something else.\n"
         "    SegmentError, SharedMemoryFull, OSError: as shared.Buffer.\n\n"
         "A death is noticed within 20 ms by whoever waits. Source: the state machine is that of\n"
         "nativeconc.Lock; see cpp/nativeconc/shared/lock.hpp.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(init)},
    {Py_tp_traverse, as_slot(traverse_shared_lock)},
    {Py_tp_clear, as_slot(clear_shared_lock)},
    {Py_tp_dealloc, as_slot(dealloc_shared_lock)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, shared_lock_properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.Lock", sizeof(SharedLockObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

void bind_shared_lock(py::module_& m) {
  shared_lock_type = add_shared_type(m, spec);
  add_lock_type(shared_lock_type, own_thread_if_owner);
  add_operations(shared_lock_type, kOperations);
}

}  // namespace nativeconc::seam
