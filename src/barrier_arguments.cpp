// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "barrier_arguments.hpp"

#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

bool parse_parties(PyObject* object, long most, std::uint32_t* parties) {
  if (PyIndex_Check(object) == 0) {
    PyErr_Format(PyExc_TypeError, "parties must be an int, not %.100s", Py_TYPE(object)->tp_name);
    return false;
  }
  PyObject* index = PyNumber_Index(object);
  if (index == nullptr) return false;
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(index, &overflow);
  Py_DECREF(index);
  if (overflow != 0 || value < 1 || value > most) {
    PyErr_Format(PyExc_ValueError, "parties must be from 1 to %ld, not %S", most, object);
    return false;
  }
  *parties = static_cast<std::uint32_t>(value);
  return true;
}

}  // namespace

bool parse_barrier(PyObject* parties, long most, PyObject* action, PyObject* timeout,
                   std::uint32_t* n) {
  Deadline ignored = Deadline::never();
  if (!parse_parties(parties, most, n) || !parse_optional_timeout(timeout, &ignored)) return false;
  if (action == Py_None || PyCallable_Check(action) != 0) return true;
  PyErr_Format(PyExc_TypeError, "action must be callable or None, not %.100s",
               Py_TYPE(action)->tp_name);
  return false;
}

bool parse_barrier_wait(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                        PyObject* preset, Deadline* deadline) {
  if (!parse_wait(args, nargs, kwnames, deadline)) return false;
  const bool is_given =
      nargs > 0 ? args[0] != Py_None
                : kwnames != nullptr && PyTuple_GET_SIZE(kwnames) > 0 && args[0] != Py_None;
  return is_given || parse_optional_timeout(preset, deadline);
}

PyObject* broken_barrier_error = nullptr;

PyObject* raise_broken_barrier() {
  PyErr_SetNone(broken_barrier_error);
  return nullptr;
}

}  // namespace nativeconc::seam
