// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Condition.
#include <new>
#include <string>

#include "bindings.hpp"
#include "condition_methods.hpp"
#include "condition_object.hpp"
#include "nativeconc/shared/condition.hpp"
#include "shared_lock_object.hpp"
#include "stats.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

constexpr shared::PrimitiveKind kKind = shared::PrimitiveKind::condition;

// A condition that was not given a lock has one of its own, in the same memory.
struct ConditionState {
  shared::Condition condition;
  shared::Primitive<shared::RLock> lock;
};
constexpr std::size_t kSize = sizeof(shared::Primitive<ConditionState>);

struct SharedConditionObject {
  SharedObject base;
  PyObject* lock;  // a shared.Lock or shared.RLock
  bool is_own;     // the lock that lies in its memory
};

SharedConditionObject* condition_of(PyObject* self) {
  return reinterpret_cast<SharedConditionObject*>(self);
}
shared::Condition& core(PyObject* self) { return shared_state<ConditionState>(self).condition; }

PyObject* lock_under(PyObject* self) { return is_made(self) ? condition_of(self)->lock : nullptr; }

// --- waiting and notifying

struct ConditionWait {
  PyObject* self;
  shared::ThreadNumber me;
  shared::Condition::Waiter waiter;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<ConditionWait*>(wait);
  // A signal handler of this wait may have forked: then this is another thread.
  if (shared::detail::this_thread_number == self->me && core(self->self).spin(self->waiter)) {
    return WaitResult::acquired;
  }
  return core(self->self).wait(shared::detail::this_thread_number, self->waiter, deadline);
}

shared::SharedWant shared_want(void* wait) {
  return want_of(static_cast<ConditionWait*>(wait)->self);
}

int wait_until(PyObject* self, Deadline deadline) {
  PyObject* lock = Py_XNewRef(held_lock(lock_under(self), "wait"));
  shared::ThreadNumber me = shared::kNobody;
  if (lock == nullptr || !get_thread_number(&me)) {
    Py_XDECREF(lock);
    return -1;
  }
  ConditionWait wait{self, me, core(self).enter(me)};
  PyObject* saved = nullptr;
  if (wait.waiter.is_none()) {
    PyErr_Format(PyExc_RuntimeError, "%lu threads wait for this condition: no more can",
                 static_cast<unsigned long>(shared::kMostWaiters));
  } else {
    saved = let_go_of_lock(lock);
  }
  if (saved == nullptr) {
    if (!wait.waiter.is_none() && core(self).leave(me, wait.waiter)) core(self).notify(1);
    Py_DECREF(lock);
    return -1;
  }
  const Waited waited = wait_for({&wait, sleep, nullptr, &lock_header(self)->stats,
                                  &shared_object(self)->primitive->totals, shared_want},
                                 deadline);
  const bool notified = core(self).leave(shared::detail::this_thread_number, wait.waiter);
  // A thread that leaves with an exception has no use for a notify: let another have it.
  if (waited == Waited::error && notified) core(self).notify(1);
  take_lock_back(lock, saved);
  Py_DECREF(saved);
  Py_DECREF(lock);
  if (PyErr_Occurred() != nullptr) return -1;
  return notified ? 1 : 0;
}

PyObject* notify(PyObject* self, std::uint64_t n) {
  if (held_lock(lock_under(self), "notify") == nullptr) return nullptr;
  // Only this thread can release the lock that they need next.
  core(self).notify(n, os::Wake::later);
  Py_RETURN_NONE;
}

constexpr ConditionOperations kOperations{lock_under, wait_until, notify};

using Methods = ConditionMethods<kOperations>;

// --- the object

void begin_own_lock(std::byte* memory, const void*) {
  auto* const state = &reinterpret_cast<shared::Primitive<ConditionState>*>(memory)->state;
  shared::begin_primitive(state->lock.header, shared::PrimitiveKind::rlock);
}

// The lock in the memory of a condition just made. False with a Python error.
bool use_own_lock(PyObject* self) {
  PyObject* lock =
      make_inside(shared_rlock_type, self, &shared_state<ConditionState>(self).lock.header);
  if (lock == nullptr) return false;
  condition_of(self)->lock = lock;
  condition_of(self)->is_own = true;
  return true;
}

bool is_shared_lock(PyObject* lock) {
  if (PyObject_TypeCheck(lock, shared_lock_type) != 0 ||
      PyObject_TypeCheck(lock, shared_rlock_type) != 0) {
    return true;
  }
  PyErr_Format(PyExc_TypeError, "lock must be a shared.Lock or a shared.RLock, not %.100s",
               Py_TYPE(lock)->tp_name);
  return false;
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"lock", "name", nullptr};
  PyObject* lock = Py_None;
  PyObject* name = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|O$O:Condition", const_cast<char**>(keywords),
                                  &lock, &name) == 0 ||
      (lock != Py_None && !is_shared_lock(lock))) {
    return -1;
  }
  const bool is_own = lock == Py_None;
  if (!is_own && !is_made(lock)) return -1;
  // Those who meet by a name must bring the same lock.
  const std::string description =
      "Condition lock=" + (is_own ? "own" : std::to_string(shared_object(lock)->primitive->uid));
  const PrimitiveRequest request{kKind, description, kSize, is_own ? begin_own_lock : nullptr,
                                 nullptr};
  if (!make_shared(self, request, name)) return -1;
  if (is_own) return use_own_lock(self) ? 0 : -1;
  condition_of(self)->lock = Py_NewRef(lock);
  return 0;
}

// _over(buffer, lock): the lock, or "own".
PyObject* over(PyObject* type, PyObject* args) {
  PyObject* buffer = nullptr;
  PyObject* lock = nullptr;
  if (PyArg_ParseTuple(args, "OO:_over", &buffer, &lock) == 0) return nullptr;
  const bool is_own = PyUnicode_Check(lock) != 0;
  if (is_own && PyUnicode_CompareWithASCIIString(lock, "own") != 0) {
    PyErr_SetString(PyExc_ValueError,
                    "this condition was made with a lock, which its name does not tell: use "
                    "shared.Condition(lock, name=...)");
    return nullptr;
  }
  if (!is_own && !is_shared_lock(lock)) return nullptr;
  PyObject* self = make_over(reinterpret_cast<PyTypeObject*>(type), buffer, kKind, kSize);
  if (self == nullptr) return nullptr;
  if (!is_own) {
    condition_of(self)->lock = Py_NewRef(lock);
  } else if (!use_own_lock(self)) {
    Py_CLEAR(self);
  }
  return self;
}

PyObject* reduce(PyObject* self, PyObject*) {
  if (lock_under(self) == nullptr) return nullptr;
  return reduce_shared(self, condition_of(self)->is_own
                                 ? Py_BuildValue("(s)", "own")
                                 : PyTuple_Pack(1, condition_of(self)->lock));
}

// The lock's own recover().
PyObject* recover(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* lock = lock_under(self);
  if (lock == nullptr) return nullptr;
  PyObject* method = PyObject_GetAttrString(lock, "recover");
  if (method == nullptr) return nullptr;
  PyObject* result = PyObject_Vectorcall(method, args, static_cast<std::size_t>(nargs), kwnames);
  Py_DECREF(method);
  return result;
}

PyObject* stats(PyObject* self, PyObject*) {
  PyObject* lock = lock_under(self);
  return lock == nullptr ? nullptr : make_shared_stats(self, shared_owner(lock));
}

PyObject* repr(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return shared_state_repr(self, "unmade");
  return PyUnicode_FromFormat("<shared.Condition(%R, %lu)>", condition_of(self)->lock,
                              static_cast<unsigned long>(core(self).waiters()));
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(condition_of(self)->lock);
  return 0;
}

// The lock stays while its memory does: whoever waits here may still look at it.
int clear(PyObject*) { return 0; }

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  PyObject* const lock = condition_of(self)->lock;
  dealloc_shared(self);
  Py_XDECREF(lock);
}

PyMethodDef methods[] = {
    {"acquire", as_method(Methods::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Take the condition's lock, by its own acquire(), which says what blocking and timeout mean."},
    {"release", Methods::release, METH_NOARGS,
     "release($self, /)\n--\n\nGive the condition's lock back, by its own release()."},
    {"locked", Methods::locked, METH_NOARGS,
     "locked($self, /)\n--\n\nReturn whether anyone holds the condition's lock."},
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
     "    RuntimeError: the lock is not held, or 512 threads wait already.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread; the lock is held again by then.\n"
     "    OwnerDiedError, DeadlockError: the lock cannot be taken again: its owner has died, or "
     "it\n"
     "        would be a deadlock. It is not held then, and a `with` around gives nothing back.\n"
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
     "Wake the n threads that have waited longest and live, or as many as there are. Never "
     "blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not held."},
    {"notify_all", Methods::notify_all, METH_NOARGS,
     "notify_all($self, /)\n--\n\n"
     "Wake all threads that wait, in all processes. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not held."},
    {"notifyAll", Methods::notify_all, METH_NOARGS,
     "notifyAll($self, /)\n--\n\nAn old name of notify_all()."},
    {"recover", as_method(recover), METH_FASTCALL | METH_KEYWORDS,
     "recover($self, /, timeout=None)\n--\n\n"
     "Return a context manager that takes the condition's lock in any state: its recover()."},
    {"stats", stats, METH_NOARGS,
     "stats($self, /)\n--\n\n"
     "Return how often and how long threads waited for a notify, and who owns the lock: see\n"
     "Lock.stats()."},
    {"__enter__", Methods::enter, METH_NOARGS, "Take the lock."},
    {"__exit__", as_method(Methods::exit), METH_FASTCALL, "Give the lock back."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_over", over, METH_VARARGS | METH_CLASS, "A condition over another's memory: pickle's."},
    {"_is_owned", Methods::is_owned, METH_NOARGS, "Return whether the lock is held."},
    {"_release_save", Methods::release_save, METH_NOARGS,
     "Give the lock back altogether; returns what _acquire_restore needs."},
    {"_acquire_restore", Methods::acquire_restore, METH_O, "Take the lock as often as it was."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    shared_properties[0],
    shared_properties[1],
    {"_lock", Methods::get_lock, nullptr, "The lock.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Condition(lock=None, *, name=None)\n--\n\n"
         "A lock with a queue of threads, of several processes, that wait to be notified.\n\n"
         "As nativeconc.Condition. A waiter that dies is forgotten: it takes no notify from the\n"
         "others. Pickles as a handle of the same condition. Can be subclassed and weakly\n"
         "referenced.\n\n"
         "Args:\n"
         "    lock: a shared.Lock or shared.RLock; one of its own (an RLock) if None.\n"
         "    name: what unrelated processes know it by; the first makes it, and it goes with the\n"
         "        last. None: only those to whom it is handed have it.\n\n"
         "Raises:\n"
         "    TypeError: lock is something else.\n"
         "    ValueError: the name cannot be one, or belongs to something else.\n"
         "    SegmentError, SharedMemoryFull, OSError: as shared.Buffer.\n\n"
         "At most 512 threads wait at a time.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(init)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.Condition", sizeof(SharedConditionObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

PyTypeObject* type = nullptr;

}  // namespace

PyObject* lock_under_shared(PyObject* object) {
  return PyObject_TypeCheck(object, type) != 0 ? condition_of(object)->lock : nullptr;
}

void bind_shared_condition(py::module_& m) {
  type = add_shared_type(m, spec);
  add_operations(type, Methods::kLockOperations);
}

}  // namespace nativeconc::seam
