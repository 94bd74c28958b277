// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "barrier_arguments.hpp"

#include "count_argument.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
bool parse_barrier(PyObject* parties, long most, PyObject* action, PyObject* timeout,
                   std::uint32_t* n) {
  Deadline ignored = Deadline::never();
  if (!parse_count(parties, "parties", 1, most, n) || !parse_optional_timeout(timeout, &ignored))
    return false;
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
