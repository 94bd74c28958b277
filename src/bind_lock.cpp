// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.Lock.
#include "bindings.hpp"
#include "permit_object.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

constexpr std::uint32_t kOne = 1;

bool release_lock(PyObject* self) {
  if (permit_object(self)->permits.release(1, kOne)) return true;
  PyErr_SetString(PyExc_RuntimeError, "release unlocked lock");
  return false;
}

constexpr TimedOperations kTimed{take_permit, release_lock};

PyObject* lock_new(PyTypeObject* type, PyObject*, PyObject*) {
  return new_permit_object(type, kOne, kOne);
}

int lock_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"name", nullptr};
  PyObject* name = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|$O:Lock", const_cast<char**>(keywords), &name) ==
      0) {
    return -1;
  }
  if (name != Py_None && PyUnicode_Check(name) == 0) {
    PyErr_Format(PyExc_TypeError, "name must be a str or None, not %.100s", Py_TYPE(name)->tp_name);
    return -1;
  }
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  Py_XSETREF(permit_object(self)->name, name == Py_None ? nullptr : Py_NewRef(name));
  NATIVECONC_END_EXCLUSIVE();
  return 0;
}

PyObject* lock_acquire(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  bool may_block = true;
  Deadline deadline = Deadline::never();
  if (!parse_lock_acquire(args, nargs, kwnames, &may_block, &deadline)) return nullptr;
  return acquire_permit(self, may_block, deadline);
}

PyObject* lock_release(PyObject* self, PyObject*) {
  if (!release_lock(self)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* lock_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  return lock_release(self, nullptr);
}

PyObject* lock_timeout(PyObject* self, PyObject* seconds) {
  return make_timed_entry(self, seconds, kTimed);
}

PyObject* lock_locked(PyObject* self, PyObject*) {
  return PyBool_FromLong(permit_object(self)->permits.available() == 0);
}

PyObject* lock_at_fork_reinit(PyObject* self, PyObject*) {
  permit_object(self)->permits.refill(kOne);
  Py_RETURN_NONE;
}

PyObject* lock_name(PyObject* self, void*) {
  PyObject* name = nullptr;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  name = Py_XNewRef(permit_object(self)->name);
  NATIVECONC_END_EXCLUSIVE();
  return name == nullptr ? Py_NewRef(Py_None) : name;
}

PyObject* lock_repr(PyObject* self) {
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  const char* state = permit_object(self)->permits.available() == 0 ? "locked" : "unlocked";
  PyObject* name = lock_name(self, nullptr);
  PyObject* repr = Py_IsNone(name) != 0
                       ? PyUnicode_FromFormat("<%s %U object at %p>", state, type, self)
                       : PyUnicode_FromFormat("<%s %U object %R at %p>", state, type, name, self);
  Py_DECREF(name);
  Py_DECREF(type);
  return repr;
}

PyMethodDef methods[] = {
    {"acquire", as_method(lock_acquire), METH_FASTCALL | METH_KEYWORDS,
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
    {"release", lock_release, METH_NOARGS,
     "release($self, /)\n--\n\n"
     "Give the lock back. Any thread may do it, not only the one that took it. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: the lock is not locked."},
    {"locked", lock_locked, METH_NOARGS,
     "locked($self, /)\n--\n\nReturn whether the lock is taken at this moment."},
    {"timeout", lock_timeout, METH_O,
     "timeout($self, seconds, /)\n--\n\n"
     "Return a context manager that takes the lock within so many seconds, or raises "
     "LockTimeout.\n\n"
     "    with lock.timeout(0.5):\n"
     "        ...\n\n"
     "Raises:\n"
     "    ValueError: seconds is negative or NaN.\n"
     "    LockTimeout: on entering, when the lock was not free in time; the body does not run."},
    {"__enter__", enter_permit, METH_NOARGS, "Acquire."},
    {"__exit__", as_method(lock_exit), METH_FASTCALL, "Release."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {"_at_fork_reinit", lock_at_fork_reinit, METH_NOARGS,
     "Make the lock as new. Only in a child just forked, before other threads start."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", lock_name, nullptr, "The name given at creation, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
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
         "finds the lock as it was; waiters of the parent are forgotten.\n\n"
         "Args:\n"
         "    name: what reports call the lock.\n\n"
         "Source: barging with hand-over as in WebKit's WTF::Lock; the state machine is described "
         "in\n"
         "cpp/nativeconc/sync/permits.hpp.")},
    {Py_tp_new, as_slot(lock_new)},
    {Py_tp_init, as_slot(lock_init)},
    {Py_tp_dealloc, as_slot(dealloc_permit_object)},
    {Py_tp_repr, as_slot(lock_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, permit_object_members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.Lock", sizeof(PermitObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void bind_lock(py::module_& m) { add_heap_type(m, spec); }

}  // namespace nativeconc::seam
