// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "timed_entry.hpp"

#include "bindings.hpp"
#include "errors.hpp"
#include "forfeit.hpp"
#include "heap_type.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

struct TimedEntry {
  PyObject_HEAD PyObject* primitive;
  PyObject* seconds;  // as given, for the message; None: no limit
  std::int64_t timeout_ns;
  const LockOperations* operations;
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
  const bool is_timed = entry->seconds != Py_None;
  const Deadline deadline = is_timed ? Deadline::after(entry->timeout_ns) : Deadline::never();
  switch (entry->operations->take(entry->primitive, deadline)) {
    case Waited::acquired:
      return Py_NewRef(Py_True);
    case Waited::timed_out:
      PyErr_Format(errors().lock_timeout, "%R was not free within %S seconds", entry->primitive,
                   entry->seconds);
      return nullptr;
    case Waited::error:
    case Waited::deadlock:
      break;
  }
  return nullptr;
}

PyObject* exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  const TimedEntry* entry = timed_entry(self);
  if (!is_whole(entry)) return nullptr;
  if (is_forfeited(entry->primitive)) [[unlikely]]
    Py_RETURN_NONE;
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
    {Py_tp_doc,
     const_cast<char*>("The context manager that ``lock.timeout(seconds)`` returns, and\n"
                       "``rwlock.read()`` and ``rwlock.write()``.")},
    {Py_tp_methods, methods},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc._core.TimedEntry", sizeof(TimedEntry), 0,
                    kHeapTypeFlags | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

bool parse_time_limit(PyObject* seconds, std::int64_t* timeout_ns) {
  if (!parse_seconds(seconds, timeout_ns)) return false;
  if (*timeout_ns >= 0) return true;
  PyErr_Format(PyExc_ValueError, "timeout must be a non-negative number of seconds, not %R",
               seconds);
  return false;
}

PyObject* make_entry(PyObject* primitive, PyObject* seconds, const LockOperations& operations) {
  std::int64_t timeout_ns = 0;
  if (seconds != Py_None && !parse_time_limit(seconds, &timeout_ns)) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  TimedEntry* entry = timed_entry(self);
  entry->primitive = Py_NewRef(primitive);
  entry->seconds = Py_NewRef(seconds);
  entry->timeout_ns = timeout_ns;
  entry->operations = &operations;
  return self;
}

PyObject* make_timed_entry(PyObject* primitive, PyObject* seconds,
                           const LockOperations& operations) {
  if (seconds != Py_None) return make_entry(primitive, seconds, operations);
  PyErr_SetString(PyExc_TypeError, "timeout must be a number of seconds, not NoneType");
  return nullptr;
}

bool take_apart(PyObject* object, EntryParts* parts) {
  if (Py_TYPE(object) != type) return false;
  const TimedEntry* entry = timed_entry(object);
  *parts = {entry->primitive, entry->operations, entry->seconds != Py_None};
  return true;
}

void bind_timed_entry(py::module_& m) { type = add_heap_type(m, spec); }

}  // namespace nativeconc::seam
