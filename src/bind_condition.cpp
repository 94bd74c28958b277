// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.Condition.
#include <cstddef>
#include <new>

#include "bindings.hpp"
#include "condition_methods.hpp"
#include "condition_object.hpp"
#include "lock_header.hpp"
#include "lock_object.hpp"
#include "rlock_object.hpp"
#include "stats.hpp"
#include "thread_name.hpp"

namespace nativeconc::seam {
namespace {

PyTypeObject* type = nullptr;

sync::Condition& core(PyObject* self) { return condition_object(self)->condition; }

constexpr ConditionOperations kOperations{condition_lock, condition_wait_until, condition_notify};

using Methods = ConditionMethods<kOperations>;

PyObject* condition_at_fork_reinit(PyObject* self, PyObject*) {
  PyObject* lock = condition_lock(self);
  if (lock == nullptr) return nullptr;
  core(self).reset();
  return PyObject_CallMethod(lock, "_at_fork_reinit", nullptr);
}

PyObject* condition_stats(PyObject* self, PyObject*) {
  PyObject* lock = condition_lock(self);
  if (lock == nullptr) return nullptr;
  return make_stats(condition_object(self)->stats,
                    has_lock_header(lock) ? owner_of(lock) : deadlock::kNobody);
}

PyObject* condition_repr(PyObject* self) {
  PyObject* lock = condition_lock(self);
  return lock == nullptr ? nullptr
                         : PyUnicode_FromFormat("<Condition(%R, %lu)>", lock,
                                                static_cast<unsigned long>(core(self).waiters()));
}

PyObject* condition_new(PyTypeObject* subtype, PyObject*, PyObject*) {
  PyObject* self = subtype->tp_alloc(subtype, 0);
  if (self == nullptr) return nullptr;
  new (&core(self)) sync::Condition;
  new (&condition_object(self)->stats) sync::WaitStats;
  new (&condition_object(self)->lock) std::atomic<PyObject*>(nullptr);
  return self;
}

// Steals the reference. A lock that was there before stays until the condition goes: other threads
// may be at work on it, who have no reference of their own.
bool set_lock(ConditionObject* condition, PyObject* lock) {
  PyObject* before = condition->lock.load(std::memory_order_relaxed);
  if (before != nullptr && condition->replaced == nullptr) condition->replaced = PyList_New(0);
  if (before != nullptr &&
      (condition->replaced == nullptr || PyList_Append(condition->replaced, before) != 0)) {
    Py_DECREF(lock);
    return false;
  }
  Py_XDECREF(before);
  // release: pairs with the acquire in condition_lock()
  condition->lock.store(lock, std::memory_order_release);
  return true;
}

int condition_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"lock", nullptr};
  PyObject* lock = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Condition", const_cast<char**>(keywords),
                                  &lock) == 0) {
    return -1;
  }
  if (lock == Py_None) {
    lock = PyObject_CallNoArgs(reinterpret_cast<PyObject*>(rlock_type));
    if (lock == nullptr) return -1;
  } else if (PyObject_HasAttrString(lock, "acquire") == 0 ||
             PyObject_HasAttrString(lock, "release") == 0) {
    PyErr_Format(PyExc_TypeError, "lock must have acquire() and release(), and %.100s has not",
                 Py_TYPE(lock)->tp_name);
    return -1;
  } else {
    Py_INCREF(lock);
  }
  bool is_set = false;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  is_set = set_lock(condition_object(self), lock);
  NATIVECONC_END_EXCLUSIVE();
  return is_set ? 0 : -1;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(condition_object(self)->lock.load(std::memory_order_relaxed));
  Py_VISIT(condition_object(self)->replaced);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(condition_object(self)->replaced);
  PyObject* lock = condition_object(self)->lock.exchange(nullptr, std::memory_order_relaxed);
  Py_XDECREF(lock);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (condition_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  clear(self);
  free_instance(self);
}

PyMethodDef methods[] = {
    {"acquire", as_method(Methods::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Take the condition's lock, by its own acquire(), which says what blocking and timeout mean."},
    {"release", Methods::release, METH_NOARGS,
     "release($self, /)\n--\n\nGive the condition's lock back, by its own release()."},
    {"locked", Methods::locked, METH_NOARGS,
     "locked($self, /)\n--\n\n"
     "Return whether anyone holds the condition's lock, by its own locked().\n\n"
     "Raises:\n"
     "    AttributeError: the lock has no such method."},
    {"timeout", Methods::timeout, METH_O,
     "timeout($self, seconds, /)\n--\n\n"
     "Return a context manager that takes the lock within so many seconds, or raises "
     "LockTimeout.\n\n"
     "Raises:\n"
     "    ValueError: seconds is negative or NaN.\n"
     "    LockTimeout: on entering, when the lock was not free in time; the body does not run."},
    {"wait", as_method(Methods::wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\n"
     "Give the lock back, wait for a notify, and take the lock again. Returns True, or False if\n"
     "the time was up first.\n\n"
     "Args:\n"
     "    timeout: seconds to wait for the notify at most; None waits for ever.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not held.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread; the lock is held again by then.\n"
     "    DeadlockError: taking the lock again would be a deadlock. It is not held then, and a\n"
     "        `with` around gives nothing back.\n"
     "    ValueError, OverflowError: the timeout is NaN, or above threading.TIMEOUT_MAX.\n\n"
     "Releases the GIL while it waits."},
    {"wait_for", as_method(Methods::wait_for), METH_VARARGS | METH_KEYWORDS,
     "wait_for($self, /, predicate, timeout=None)\n--\n\n"
     "Wait until predicate() is true, looking again after each notify. Returns its last value.\n\n"
     "Args:\n"
     "    predicate: a callable; called with the lock held.\n"
     "    timeout: seconds to wait at most, all together; None waits for ever.\n\n"
     "Raises what wait() and the predicate raise."},
    {"notify", as_method(Methods::notify), METH_FASTCALL | METH_KEYWORDS,
     "notify($self, /, n=1)\n--\n\n"
     "Wake the n threads that have waited longest, or as many as there are. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not held."},
    {"notify_all", Methods::notify_all, METH_NOARGS,
     "notify_all($self, /)\n--\n\n"
     "Wake all threads that wait. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not held."},
    {"notifyAll", Methods::notify_all, METH_NOARGS,
     "notifyAll($self, /)\n--\n\nAn old name of notify_all()."},
    {"stats", condition_stats, METH_NOARGS,
     "stats($self, /)\n--\n\n"
     "Return how often and how long threads waited for a notify, and who owns the lock: see\n"
     "Lock.stats(). owner is None where the lock is not one of ours."},
    {"__enter__", Methods::enter, METH_NOARGS, "Take the lock."},
    {"__exit__", as_method(Methods::exit), METH_FASTCALL, "Give the lock back."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {"_is_owned", Methods::is_owned, METH_NOARGS, "Return whether the lock is held."},
    {"_release_save", Methods::release_save, METH_NOARGS,
     "Give the lock back altogether; returns what _acquire_restore needs."},
    {"_acquire_restore", Methods::acquire_restore, METH_O, "Take the lock as often as it was."},
    {"_at_fork_reinit", condition_at_fork_reinit, METH_NOARGS,
     "Make it as new. Only in a child just forked, before other threads start."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"_lock", Methods::get_lock, nullptr, "The lock.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ConditionObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Condition(lock=None)\n--\n\n"
         "A lock with a queue of threads that wait to be notified: a drop-in for\n"
         "threading.Condition, and faster. Waiters are notified in the order in which they "
         "came.\n\n"
         "Can be subclassed and weakly referenced, not pickled. A forked child forgets the\n"
         "waiters of its parent.\n\n"
         "Args:\n"
         "    lock: the lock to use: one of ours, one of threading's, or anything with acquire()\n"
         "        and release(). A new RLock if None.\n\n"
         "Raises:\n"
         "    TypeError: lock has no acquire() or no release().")},
    {Py_tp_new, as_slot(condition_new)},
    {Py_tp_init, as_slot(condition_init)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_repr, as_slot(condition_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.Condition", sizeof(ConditionObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

PyObject* condition_lock(PyObject* self) {
  PyObject* lock = condition_object(self)->lock.load(std::memory_order_acquire);
  if (lock == nullptr) PyErr_SetString(PyExc_RuntimeError, "Condition.__init__() not called");
  return lock;
}

PyObject* new_condition_over_lock() {
  PyObject* lock = PyObject_CallNoArgs(reinterpret_cast<PyObject*>(lock_type));
  if (lock == nullptr) return nullptr;
  PyObject* condition = PyObject_CallOneArg(reinterpret_cast<PyObject*>(type), lock);
  Py_DECREF(lock);
  return condition;
}

PyObject* innermost_lock(PyObject* object) {
  for (;;) {
    PyObject* lock = PyObject_TypeCheck(object, type) != 0
                         ? condition_object(object)->lock.load(std::memory_order_acquire)
                         : lock_under_shared(object);
    if (lock == nullptr) return object;
    object = lock;
  }
}

void bind_condition(py::module_& m) {
  type = add_heap_type(m, spec);
  add_operations(type, Methods::kLockOperations);
}

}  // namespace nativeconc::seam
