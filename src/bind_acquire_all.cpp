// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.acquire_all: many locks at once, without a deadlock among them.
//
// Waits for one lock, tries the others, and if one of them is taken gives all back and waits for
// that one next. So a thread never waits while it holds some of the given locks, whatever their
// order.
#include <sched.h>

#include <cstddef>

#include "bindings.hpp"
#include "condition_object.hpp"
#include "errors.hpp"
#include "forfeit.hpp"
#include "gil.hpp"
#include "heap_type.hpp"
#include "lock_operations.hpp"
#include "shared_object.hpp"
#include "timed_entry.hpp"

namespace nativeconc::seam {
namespace {

PyTypeObject* type = nullptr;

struct AcquireAll {
  PyObject_VAR_HEAD PyObject* locks;  // a tuple
  PyObject* seconds;                  // as given, for the message; None: no limit
  std::int64_t timeout_ns;
  const LockOperations* operations[1];  // as many as there are locks
};

AcquireAll* acquire_all(PyObject* self) { return reinterpret_cast<AcquireAll*>(self); }
Py_ssize_t count(const AcquireAll* all) { return PyTuple_GET_SIZE(all->locks); }
PyObject* lock_at(const AcquireAll* all, Py_ssize_t i) { return PyTuple_GET_ITEM(all->locks, i); }

// Keeps the exception that is set while more happens; the first one stays.
class FirstError {
 public:
  void catch_up() {
    if (PyErr_Occurred() == nullptr) return;
    if (type_ != nullptr) {
      PyErr_Clear();
    } else {
      PyErr_Fetch(&type_, &value_, &traceback_);
    }
  }
  // Returns whether there was one, and sets it.
  bool restore() {
    if (type_ == nullptr) return false;
    PyErr_Restore(type_, value_, traceback_);
    return true;
  }

 private:
  PyObject* type_ = nullptr;
  PyObject* value_ = nullptr;
  PyObject* traceback_ = nullptr;
};

// Gives back the locks below `end`, and `first`, in reverse order. All of them, even if one raises.
void give_back(const AcquireAll* all, Py_ssize_t end, Py_ssize_t first, FirstError& error) {
  for (Py_ssize_t i = count(all) - 1; i >= 0; --i) {
    if (i >= end && i != first) continue;
    all->operations[i]->release(lock_at(all, i));
    error.catch_up();
  }
}

PyObject* timed_out(const AcquireAll* all) {
  PyErr_Format(errors().lock_timeout, "the %zd locks were not all free within %S seconds",
               count(all), all->seconds);
  return nullptr;
}

// A foreign lock that says False to an acquire() without a time limit.
PyObject* refused(PyObject* lock) {
  PyErr_Format(errors().lock_timeout, "%R could not be taken: its acquire() returned False", lock);
  return nullptr;
}

void let_others_run() {
  PyThreadState* state = release_gil();
  sched_yield();
  take_gil(state);
}

// Of somebody else's lock nothing is asked for but acquire(timeout=).
Waited try_one(const AcquireAll* all, Py_ssize_t i) {
  const LockOperations* operations = all->operations[i];
  return operations == &kMethodOperations ? operations->take(lock_at(all, i), Deadline::expired())
                                          : operations->attempt(lock_at(all, i));
}

// The index of a lock that was taken, or count() if all are held now; -1 with an error, and then
// none is held.
Py_ssize_t try_others(const AcquireAll* all, Py_ssize_t first) {
  const Py_ssize_t n = count(all);
  for (Py_ssize_t i = 0; i < n; ++i) {
    const Waited waited = i == first ? Waited::acquired : try_one(all, i);
    if (waited == Waited::acquired) continue;
    FirstError error;
    error.catch_up();
    give_back(all, i, first, error);
    return error.restore() ? -1 : i;
  }
  return n;
}

PyObject* enter(PyObject* self, PyObject*) {
  const AcquireAll* all = acquire_all(self);
  const Py_ssize_t n = count(all);
  const Deadline deadline =
      Py_IsNone(all->seconds) != 0 ? Deadline::never() : Deadline::after(all->timeout_ns);
  Py_ssize_t next = 0;
  while (n > 0) {
    switch (all->operations[next]->take(lock_at(all, next), deadline)) {
      case Waited::acquired:
        break;
      case Waited::timed_out:
        return deadline.is_never() ? refused(lock_at(all, next)) : timed_out(all);
      case Waited::error:
      case Waited::deadlock:
        return nullptr;
    }
    next = try_others(all, next);
    if (next < 0) return nullptr;
    if (next == n) break;
    // The next one may be free already, and so on: it is here that this comes to an end.
    if (deadline.has_passed()) return timed_out(all);
    let_others_run();
    if (PyErr_CheckSignals() != 0) return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  const AcquireAll* all = acquire_all(self);
  FirstError error;
  for (Py_ssize_t i = count(all) - 1; i >= 0; --i) {
    PyObject* lock = lock_at(all, i);
    if (is_forfeited(lock)) continue;
    all->operations[i]->release(lock);
    error.catch_up();
  }
  if (error.restore()) return nullptr;
  Py_RETURN_NONE;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(acquire_all(self)->locks);
  Py_VISIT(acquire_all(self)->seconds);
  return 0;
}

// No tp_clear: the locks must not go while a thread is inside. A tuple breaks its own cycles.
void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_CLEAR(acquire_all(self)->locks);
  Py_CLEAR(acquire_all(self)->seconds);
  free_instance(self);
}

PyMethodDef methods[] = {
    {"__enter__", enter, METH_NOARGS, "Take all locks, or raise LockTimeout and hold none."},
    {"__exit__", as_method(exit), METH_FASTCALL, "Give all locks back."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The context manager that ``acquire_all()`` returns.")},
    {Py_tp_methods, methods},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc._core.AcquireAll", offsetof(AcquireAll, operations),
                    sizeof(const LockOperations*),
                    kHeapTypeFlags | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

// What is to be taken for an argument: a lock and how. False with an error if it is no lock.
bool understand(PyObject* argument, PyObject** lock, const LockOperations** operations) {
  EntryParts parts{};
  if (take_apart(argument, &parts)) {
    *lock = parts.primitive;
    *operations = parts.operations;
    if (!parts.is_timed) return true;
    PyErr_SetString(PyExc_ValueError,
                    "a lock of acquire_all() cannot have a timeout of its own: give the timeout to "
                    "acquire_all()");
    return false;
  }
  *lock = argument;
  *operations = &operations_of(argument);
  if (*operations != &kMethodOperations || (PyObject_HasAttrString(argument, "acquire") != 0 &&
                                            PyObject_HasAttrString(argument, "release") != 0)) {
    return true;
  }
  PyErr_Format(PyExc_TypeError,
               "acquire_all() takes locks, with acquire() and release(), not %.100s",
               Py_TYPE(argument)->tp_name);
  return false;
}

bool is_among(PyObject* lock, PyObject* locks, Py_ssize_t n) {
  for (Py_ssize_t i = 0; i < n; ++i) {
    const void* const other = identity_of(innermost_lock(PyTuple_GET_ITEM(locks, i)));
    if (other == identity_of(innermost_lock(lock))) return true;
  }
  return false;
}

PyObject* make(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"timeout", nullptr};
  PyObject* seconds = Py_None;
  PyObject* nothing = PyTuple_New(0);
  if (nothing == nullptr) return nullptr;
  const int parsed = PyArg_ParseTupleAndKeywords(nothing, kwargs, "|$O:acquire_all",
                                                 const_cast<char**>(keywords), &seconds);
  Py_DECREF(nothing);
  std::int64_t timeout_ns = 0;
  if (parsed == 0 || (seconds != Py_None && !parse_time_limit(seconds, &timeout_ns))) {
    return nullptr;
  }
  const Py_ssize_t n = PyTuple_GET_SIZE(args);
  PyObject* self = type->tp_alloc(type, n);
  if (self == nullptr) return nullptr;
  AcquireAll* all = acquire_all(self);
  all->seconds = Py_NewRef(seconds);
  all->timeout_ns = timeout_ns;
  all->locks = PyTuple_New(n);
  for (Py_ssize_t i = 0; all->locks != nullptr && i < n; ++i) {
    PyObject* lock = nullptr;
    if (!understand(PyTuple_GET_ITEM(args, i), &lock, &all->operations[i])) {
      Py_CLEAR(all->locks);
    } else if (is_among(lock, all->locks, i)) {
      PyErr_Format(PyExc_ValueError, "acquire_all() was given the same lock twice: %R", lock);
      Py_CLEAR(all->locks);
    } else {
      PyTuple_SET_ITEM(all->locks, i, Py_NewRef(lock));
    }
  }
  if (all->locks == nullptr) Py_CLEAR(self);
  return self;
}

PyMethodDef functions[] = {
    {"acquire_all", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(make)),
     METH_VARARGS | METH_KEYWORDS,
     "acquire_all(*locks, timeout=None)\n--\n\n"
     "Return a context manager that takes all locks, or none.\n\n"
     "    with nc.acquire_all(a, b, timeout=0.5):\n"
     "        ...\n\n"
     "Threads that take their locks in this way cannot deadlock among each other, in whatever\n"
     "order they name them: none waits for one of the locks while it holds another of them.\n"
     "They are given back in reverse order.\n\n"
     "Args:\n"
     "    locks: anything with acquire(timeout=) and release(), of any mix of types. An RWLock\n"
     "        means to write; rwlock.read() may be given to read.\n"
     "    timeout: seconds to wait at most, all together; None waits for ever.\n\n"
     "Raises:\n"
     "    TypeError: something is not a lock.\n"
     "    ValueError: a lock is given twice, or with a timeout of its own, or the timeout is\n"
     "        negative or NaN.\n"
     "    LockTimeout: on entering, when the time is up; no lock is held, the body does not run.\n"
     "    DeadlockError: on entering, when the wait would never end because of a lock that this\n"
     "        thread held before.\n\n"
     "Releases the GIL while it waits. Ctrl-C while it waits leaves no lock held.\n\n"
     "Source: try and back off, as in Howard Hinnant, \"Dining Philosophers Rebooted\" (2013)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_acquire_all(py::module_& m) {
  type = add_heap_type(m, spec);
  if (PyModule_AddFunctions(m.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
