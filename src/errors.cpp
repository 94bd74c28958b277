// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "errors.hpp"

#include <exception>
#include <new>
#include <stdexcept>

#include "bindings.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::seam {
namespace {

Errors types;

PyObject* add_error(py::module_& m, const char* qualified_name, const char* doc,
                    std::initializer_list<PyObject*> bases) {
  py::tuple base_tuple(bases.size());
  std::size_t i = 0;
  for (PyObject* base : bases) base_tuple[i++] = py::reinterpret_borrow<py::object>(base);
  PyObject* type = PyErr_NewExceptionWithDoc(qualified_name, doc, base_tuple.ptr(), nullptr);
  if (type == nullptr) throw py::error_already_set();
  m.attr(py::str(py::handle(type).attr("__name__"))) = py::handle(type);
  return type;
}

PyObject* type_of(shared::SharedFault fault) {
  switch (fault) {
    case shared::SharedFault::full:
      return types.shared_memory_full;
    case shared::SharedFault::damaged:
      return types.segment_error;
    case shared::SharedFault::not_found:
    case shared::SharedFault::exists:
    case shared::SharedFault::system:
      break;
  }
  return PyExc_OSError;  // which makes a FileNotFoundError, say, of an errno
}

void set_shared_error(const shared::SharedError& error) {
  PyObject* made = PyObject_CallFunction(type_of(error.fault()), "is", error.code(), error.what());
  if (made == nullptr) return;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made)), made);
  Py_DECREF(made);
}

}  // namespace

const Errors& errors() { return types; }

void set_error_from_current_exception() {
  try {
    throw;
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const shared::SharedError& error) {
    set_shared_error(error);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::invalid_argument& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

void bind_errors(py::module_& m) {
  types.native_conc_error =
      add_error(m, "nativeconc.NativeConcError",
                "The base of every exception that nativeconc defines.", {PyExc_Exception});
  types.lock_timeout = add_error(
      m, "nativeconc.LockTimeout",
      "A lock was not free within the time given. Raised by ``with lock.timeout(seconds)``.",
      {types.native_conc_error, PyExc_TimeoutError});
  types.deadlock_error = add_error(
      m, "nativeconc.DeadlockError",
      "The wait for a lock would never end. The lock is not held. ``report`` says who waits for "
      "whom.",
      {types.native_conc_error, PyExc_RuntimeError});
  types.deadlock_warning =
      add_error(m, "nativeconc.DeadlockWarning",
                "Threads wait for each other, or could. ``report`` says which, and where.",
                {PyExc_RuntimeWarning});
  // The report is an attribute of each instance; this is its default.
  for (PyObject* type : {types.deadlock_error, types.deadlock_warning}) {
    if (PyObject_SetAttrString(type, "report", Py_None) != 0) throw py::error_already_set();
  }
  types.owner_died_error = add_error(
      m, "nativeconc.OwnerDiedError",
      "A shared lock is in doubt: the thread that had it ended. It is not held. ``pid`` and "
      "``thread`` (a native id) say who it was, as far as that is known, and ``found`` when it was "
      "found (seconds since the epoch).",
      {types.native_conc_error, PyExc_RuntimeError});
  for (const char* attribute : {"pid", "thread", "found"}) {
    if (PyObject_SetAttrString(types.owner_died_error, attribute, Py_None) != 0) {
      throw py::error_already_set();
    }
  }
  types.shared_memory_full =
      add_error(m, "nativeconc.SharedMemoryFull",
                "There is no room for new shared memory. The message says which limit is reached.",
                {types.native_conc_error, PyExc_OSError});
  types.segment_error = add_error(m, "nativeconc.SegmentError",
                                  "What should be shared memory is not: a foreign or damaged file, "
                                  "or one not for this process.",
                                  {types.native_conc_error, PyExc_OSError});
  types.cuda_unavailable_error =
      add_error(m, "nativeconc.CudaUnavailableError",
                "The GPU was asked for, but cannot be used. The message says why.",
                {types.native_conc_error, PyExc_RuntimeError});

  // What pybind11's own functions throw.
  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const shared::SharedError& shared_error) {
      set_shared_error(shared_error);
    }
  });
}

}  // namespace nativeconc::seam
