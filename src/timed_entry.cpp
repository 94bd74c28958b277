// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "timed_entry.hpp"

#include "bindings.hpp"
#include "errors.hpp"
#include "heap_type.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

struct TimedEntry {
  PyObject_HEAD PyObject* primitive;
  PyObject* seconds;  // as given, for the message
  std::int64_t timeout_ns;
  const TimedOperations* operations;
};

PyTypeObject* type = nullptr;

TimedEntry* timed_entry(PyObject* self) { return reinterpret_cast<TimedEntry*>(self); }

// False, with an error set, once the garbage collector has taken the entry apart.
bool is_whole(const TimedEntry* entry) {
  if (entry->primitive != nullptr) return true;
  PyErr_SetString(PyExc_RuntimeError, "the lock of this timeout() is gone already");
  return false;
}

PyObject* enter(PyObject* self, PyObject*) {
  const TimedEntry* entry = timed_entry(self);
  if (!is_whole(entry)) return nullptr;
  switch (entry->operations->acquire(entry->primitive, Deadline::after(entry->timeout_ns))) {
    case Waited::acquired:
      return Py_NewRef(Py_True);
    case Waited::timed_out:
      PyErr_Format(errors().lock_timeout, "%R was not free within %S seconds", entry->primitive,
                   entry->seconds);
      return nullptr;
    case Waited::error:
      break;
  }
  return nullptr;
}

PyObject* exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  const TimedEntry* entry = timed_entry(self);
  if (!is_whole(entry)) return nullptr;
  if (!entry->operations->release(entry->primitive)) return nullptr;
  Py_RETURN_NONE;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(timed_entry(self)->primitive);
  Py_VISIT(timed_entry(self)->seconds);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(timed_entry(self)->primitive);
  Py_CLEAR(timed_entry(self)->seconds);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  clear(self);
  free_instance(self);
}

PyMethodDef methods[] = {
    {"__enter__", enter, METH_NOARGS, "Acquire within the time, or raise LockTimeout."},
    {"__exit__", as_method(exit), METH_FASTCALL, "Release."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The context manager that ``lock.timeout(seconds)`` returns.")},
    {Py_tp_methods, methods},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc._core.TimedEntry", sizeof(TimedEntry), 0,
                    kHeapTypeFlags | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* make_timed_entry(PyObject* primitive, PyObject* seconds,
                           const TimedOperations& operations) {
  std::int64_t timeout_ns = 0;
  if (!parse_seconds(seconds, &timeout_ns)) return nullptr;
  if (timeout_ns < 0) {
    PyErr_Format(PyExc_ValueError, "timeout must be a non-negative number of seconds, not %R",
                 seconds);
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  TimedEntry* entry = timed_entry(self);
  entry->primitive = Py_NewRef(primitive);
  entry->seconds = Py_NewRef(seconds);
  entry->timeout_ns = timeout_ns;
  entry->operations = &operations;
  return self;
}

void bind_timed_entry(py::module_& m) { type = add_heap_type(m, spec); }

}  // namespace nativeconc::seam
