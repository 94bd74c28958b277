// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.RLock.
#include "bindings.hpp"
#include "condition_lock.hpp"
#include "lock_methods.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "recovery.hpp"
#include "shared_lock_object.hpp"
#include "stats.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

constexpr shared::PrimitiveKind kKind = shared::PrimitiveKind::rlock;

using shared::RLock;

// Takes it at once if it can be: free, or this thread's already. `timed_out` if not.
Waited take_at_once(PyObject* self, shared::ThreadNumber me) {
  RLock& lock = shared_rlock(self);
  if (lock.lock().try_acquire(me)) [[likely]] {
    lock.set_depth(1);
    return Waited::acquired;
  }
  if (!lock.lock().is_owned_by(me)) return Waited::timed_out;
  if (lock.depth() == RLock::kMaxDepth) {
    PyErr_SetString(PyExc_OverflowError, "the lock has been taken too often");
    return Waited::error;
  }
  lock.set_depth(lock.depth() + 1);
  return Waited::acquired;
}

Waited note_if_taken(PyObject* self, Waited waited) {
  const bool is_first = waited == Waited::acquired && shared_rlock(self).depth() == 1;
  if (is_tracking() && is_first) [[unlikely]]
    note_taken(self, deadlock::Mode::lock);
  return waited;
}

Waited try_lock(PyObject* self) {
  shared::ThreadNumber me = shared::kNobody;
  if (!is_made(self) || !get_thread_number(&me)) return Waited::error;
  const Waited taken = take_at_once(self, me);
  return note_if_taken(self, taken != Waited::timed_out ? taken : look_at_shared_lock(self, me));
}

Waited take_level(PyObject* self, shared::ThreadNumber me, Deadline deadline) {
  const Waited taken = take_at_once(self, me);
  if (taken != Waited::timed_out) [[likely]]
    return note_if_taken(self, taken);
  return note_if_taken(self, wait_for_shared_lock(self, me, deadline));
}

Waited take_lock(PyObject* self, Deadline deadline) {
  shared::ThreadNumber me = shared::kNobody;
  if (!is_made(self) || !get_thread_number(&me)) return Waited::error;
  if (is_tracking() && deadline.is_never() && !shared_lock(self).is_owned_by(me) &&
      !check_order(self)) {
    return Waited::error;
  }
  return take_level(self, me, deadline);
}

bool refuse_release() {
  PyErr_SetString(PyExc_RuntimeError, "cannot release un-acquired lock");
  return false;
}

// All levels but `left`, of a lock that this thread has. Wakes nobody whom it has notified.
void release_to(PyObject* self, std::uint32_t left) {
  shared_rlock(self).set_depth(left);
  if (left > 0) return;
  static_cast<void>(shared_lock(self).release(shared::detail::this_thread_number));
  if (is_tracking()) [[unlikely]]
    note_released(self, this_thread());
}

bool release_lock(PyObject* self) {
  if (!is_made(self)) return false;
  if (!shared_lock(self).is_owned_by(shared::detail::this_thread_number)) return refuse_release();
  release_to(self, shared_rlock(self).depth() - 1);
  os::wake_deferred();
  return true;
}

constexpr LockOperations kOperations{try_lock, take_lock, release_lock};

using Methods = LockMethods<kOperations>;

void release_in_doubt(PyObject* self) {
  shared_rlock(self).set_depth(0);
  static_cast<void>(shared_lock(self).release_in_doubt(shared::detail::this_thread_number));
  if (is_tracking()) note_released(self, this_thread());
  os::wake_deferred();
}

constexpr RecoveryOperations kRecovery{recover_shared_lock,
                                       [](PyObject* self) { return shared_lock(self).death(); },
                                       release_lock, release_in_doubt};

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init_shared_lock(self, args, kwargs, "|$OO:RLock", "RLock", kKind);
}

PyObject* over(PyObject* type, PyObject* args) { return make_lock_over(type, args, kKind); }

PyObject* locked(PyObject* self, PyObject*) {
  return is_made(self) ? PyBool_FromLong(shared_lock(self).is_locked() ? 1 : 0) : nullptr;
}

PyObject* is_owned(PyObject* self, PyObject*) {
  return is_made(self) ? PyBool_FromLong(is_own_shared_rlock(self) ? 1 : 0) : nullptr;
}

PyObject* recursion_count(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  return PyLong_FromUnsignedLong(is_own_shared_rlock(self) ? shared_rlock(self).depth() : 0);
}

PyObject* release_save(PyObject* self, PyObject*) {
  const std::uint32_t depth = give_up_shared_rlock(self);
  os::wake_deferred();
  return depth == 0 ? nullptr : PyLong_FromUnsignedLong(depth);
}

PyObject* acquire_restore(PyObject* self, PyObject* saved) {
  const unsigned long depth = PyLong_AsUnsignedLong(saved);
  if (depth == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  if (depth < 1 || depth > RLock::kMaxDepth) {
    PyErr_Format(PyExc_ValueError, "not a state that _release_save returns: %R", saved);
    return nullptr;
  }
  if (!is_made(self) || !take_shared_rlock_back(self, saved) || PyErr_Occurred() != nullptr) {
    return nullptr;
  }
  Py_RETURN_NONE;
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
  const shared::ThreadNumber owner = shared_owner(self);
  const shared::ThreadIdentity who =
      owner == shared::kNobody ? shared::ThreadIdentity{} : shared::identify(owner);
  const std::string details = " owner=" + std::to_string(who.tid) +
                              " pid=" + std::to_string(who.pid) +
                              " count=" + std::to_string(shared_rlock(self).depth());
  return shared_repr(self,
                     is_in_doubt                     ? "in-doubt"
                     : shared_lock(self).is_locked() ? "locked"
                                                     : "unlocked",
                     details.c_str());
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
     "Undo one acquire(); the last one gives the lock back. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not have the lock."},
    {"locked", locked, METH_NOARGS,
     "locked($self, /)\n--\n\nReturn whether any thread has the lock, or it is in doubt."},
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
    {"_recursion_count", recursion_count, METH_NOARGS,
     "Return how often this thread has taken the lock."},
    {"_release_save", release_save, METH_NOARGS,
     "Give the lock back altogether; returns what _acquire_restore needs."},
    {"_acquire_restore", acquire_restore, METH_O, "Take the lock as often as it was."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "RLock(*, name=None, on_owner_death='raise')\n--\n\n"
         "A lock between processes that its owner may take again, and that survives kill -9 of "
         "it.\n\n"
         "As nativeconc.RLock, but among the threads of all processes that have it. A thread, or "
         "a\n"
         "process, that ends while it has the lock leaves it in doubt: nobody hangs, and nobody "
         "goes\n"
         "on unaware.\n\n"
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
         "nativeconc.RLock; see cpp/nativeconc/shared/rlock.hpp.")},
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

PyType_Spec spec = {"nativeconc.shared.RLock", sizeof(SharedLockObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

bool is_own_shared_rlock(PyObject* rlock) {
  return own_thread_if_owner(rlock) != deadlock::kNobody;
}

std::uint32_t give_up_shared_rlock(PyObject* rlock) {
  if (!is_made(rlock)) return 0;
  if (!is_own_shared_rlock(rlock)) return refuse_release() ? 1 : 0;
  const std::uint32_t depth = shared_rlock(rlock).depth();
  release_to(rlock, 0);
  return depth;
}

Waited take_back_shared_rlock(PyObject* rlock, std::uint32_t depth) {
  shared::ThreadNumber me = shared::kNobody;
  if (!get_thread_number(&me)) return Waited::error;
  const Waited waited = take_level(rlock, me, Deadline::never());
  // More than one level if a signal handler has taken the lock meanwhile, and keeps it.
  if (waited == Waited::acquired) {
    shared_rlock(rlock).set_depth(shared_rlock(rlock).depth() + depth - 1);
  }
  return waited;
}

void bind_shared_rlock(py::module_& m) {
  shared_rlock_type = add_shared_type(m, spec);
  add_lock_type(shared_rlock_type, own_thread_if_owner);
  add_operations(shared_rlock_type, kOperations);
}

}  // namespace nativeconc::seam
