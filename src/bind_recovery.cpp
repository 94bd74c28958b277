// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The type of what recover() returns.
#include "bindings.hpp"
#include "errors.hpp"
#include "forfeit.hpp"
#include "heap_type.hpp"
#include "owner_death.hpp"
#include "recovery.hpp"
#include "timed_entry.hpp"

namespace nativeconc::seam {
namespace {

struct Recovery {
  PyObject_HEAD PyObject* lock;
  PyObject* seconds;  // as given, for the message; None: no limit
  std::int64_t timeout_ns;
  const RecoveryOperations* operations;
  bool was_in_doubt;
};

PyTypeObject* type = nullptr;

Recovery* recovery(PyObject* self) { return reinterpret_cast<Recovery*>(self); }

bool is_whole(const Recovery* self) {
  if (self->lock != nullptr) return true;
  PyErr_SetString(PyExc_RuntimeError, "the lock of this recover() is gone already");
  return false;
}

PyObject* enter(PyObject* object, PyObject*) {
  Recovery* self = recovery(object);
  if (!is_whole(self)) return nullptr;
  const bool is_timed = self->seconds != Py_None;
  const Deadline deadline = is_timed ? Deadline::after(self->timeout_ns) : Deadline::never();
  bool was_in_doubt = false;
  switch (self->operations->take(self->lock, deadline, &was_in_doubt)) {
    case Waited::acquired:
      break;
    case Waited::timed_out:
      PyErr_Format(errors().lock_timeout, "%R was not free within %S seconds", self->lock,
                   self->seconds);
      return nullptr;
    case Waited::error:
    case Waited::deadlock:
      return nullptr;
  }
  self->was_in_doubt = was_in_doubt;
  if (!was_in_doubt) Py_RETURN_NONE;
  PyObject* dead = make_dead_owner(self->operations->death(self->lock));
  if (dead == nullptr) self->operations->release_in_doubt(self->lock);
  return dead;
}

// __exit__(type, value, traceback)
PyObject* exit(PyObject* object, PyObject* const* args, Py_ssize_t nargs) {
  const Recovery* self = recovery(object);
  if (!is_whole(self)) return nullptr;
  if (is_forfeited(self->lock)) [[unlikely]]
    Py_RETURN_NONE;
  if (self->was_in_doubt && nargs > 0 && args[0] != Py_None) {
    self->operations->release_in_doubt(self->lock);
    Py_RETURN_NONE;
  }
  if (!self->operations->release(self->lock)) return nullptr;
  Py_RETURN_NONE;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(recovery(self)->lock);
  Py_VISIT(recovery(self)->seconds);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(recovery(self)->lock);
  Py_CLEAR(recovery(self)->seconds);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  clear(self);
  free_instance(self);
}

PyMethodDef methods[] = {
    {"__enter__", enter, METH_NOARGS, "Take the lock in any state; gives the DeadOwner, or None."},
    {"__exit__", as_method(exit), METH_FASTCALL,
     "Release: whole, or still in doubt if an exception leaves the body."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The context manager that ``lock.recover()`` returns.")},
    {Py_tp_methods, methods},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc._core.Recovery", sizeof(Recovery), 0,
                    kHeapTypeFlags | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

// The one argument, by position or name; null if it was not given, and *error if that is wrong.
PyObject* timeout_argument(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                           bool* error) {
  const Py_ssize_t named = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  if (nargs + named > 1) {
    PyErr_SetString(PyExc_TypeError, "recover() takes at most 1 argument, timeout");
    *error = true;
    return nullptr;
  }
  if (named == 1 &&
      PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "timeout") != 0) {
    PyErr_Format(PyExc_TypeError, "recover() got an unexpected keyword argument %R",
                 PyTuple_GET_ITEM(kwnames, 0));
    *error = true;
    return nullptr;
  }
  return nargs + named == 1 ? args[0] : nullptr;
}

}  // namespace

PyObject* make_recovery(PyObject* lock, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                        const RecoveryOperations& operations) {
  bool error = false;
  PyObject* seconds = timeout_argument(args, nargs, kwnames, &error);
  if (error) return nullptr;
  if (seconds == nullptr) seconds = Py_None;
  std::int64_t timeout_ns = 0;
  if (seconds != Py_None && !parse_time_limit(seconds, &timeout_ns)) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  recovery(self)->lock = Py_NewRef(lock);
  recovery(self)->seconds = Py_NewRef(seconds);
  recovery(self)->timeout_ns = timeout_ns;
  recovery(self)->operations = &operations;
  recovery(self)->was_in_doubt = false;
  return self;
}

void bind_recovery(py::module_& m) { type = add_heap_type(m, spec); }

}  // namespace nativeconc::seam
