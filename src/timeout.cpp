// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "timeout.hpp"

#include <cmath>

namespace nativeconc::seam {
namespace {

constexpr double kMaxSeconds = 9223372036.0;  // threading.TIMEOUT_MAX: an int64 of nanoseconds

// Collects the two optional arguments of acquire(), by place or by name.
bool parse_two(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, PyObject** blocking,
               PyObject** timeout) {
  if (nargs > 2) {
    PyErr_Format(PyExc_TypeError, "acquire() takes at most 2 arguments (%zd given)", nargs);
    return false;
  }
  *blocking = nargs > 0 ? args[0] : nullptr;
  *timeout = nargs > 1 ? args[1] : nullptr;
  const Py_ssize_t n_keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  for (Py_ssize_t i = 0; i < n_keywords; ++i) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, i);
    PyObject** slot = nullptr;
    if (PyUnicode_CompareWithASCIIString(name, "blocking") == 0) slot = blocking;
    if (PyUnicode_CompareWithASCIIString(name, "timeout") == 0) slot = timeout;
    if (slot == nullptr) {
      PyErr_Format(
          PyExc_TypeError,
          "acquire() got an unexpected keyword argument '%U'; it takes blocking and timeout", name);
      return false;
    }
    if (*slot != nullptr) {
      PyErr_Format(PyExc_TypeError, "acquire() got multiple values for argument '%U'", name);
      return false;
    }
    *slot = args[nargs + i];
  }
  return true;
}

bool parse_blocking(PyObject* blocking, bool* may_block) {
  const int truth = blocking == nullptr ? 1 : PyObject_IsTrue(blocking);
  *may_block = truth == 1;
  return truth >= 0;
}

bool refuse_timeout_without_blocking() {
  PyErr_SetString(PyExc_ValueError, "can't specify a timeout for a non-blocking acquire");
  return false;
}

}  // namespace

bool parse_seconds(PyObject* seconds, std::int64_t* timeout_ns) {
  if (PyNumber_Check(seconds) == 0 || PyComplex_Check(seconds)) {
    PyErr_Format(PyExc_TypeError, "timeout must be a number of seconds, not %.100s",
                 Py_TYPE(seconds)->tp_name);
    return false;
  }
  const double value = PyFloat_AsDouble(seconds);
  if (value == -1.0 && PyErr_Occurred() != nullptr) return false;
  if (std::isnan(value)) {
    PyErr_SetString(PyExc_ValueError, "timeout must be a number of seconds, not NaN");
    return false;
  }
  if (value > kMaxSeconds) {
    PyErr_Format(PyExc_OverflowError, "timeout is too large: %R; at most %ld seconds are allowed",
                 seconds, static_cast<long>(kMaxSeconds));
    return false;
  }
  // Rounded away from zero: no wait ends early, and only -1 itself means "for ever".
  const double ns = std::fmax(value, -kMaxSeconds) * 1e9;
  *timeout_ns = static_cast<std::int64_t>(ns < 0 ? std::floor(ns) : std::ceil(ns));
  return true;
}

bool parse_lock_acquire(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, bool* may_block,
                        Deadline* deadline) {
  *may_block = true;
  *deadline = Deadline::never();
  if (nargs == 0 && kwnames == nullptr) return true;
  PyObject* blocking = nullptr;
  PyObject* timeout = nullptr;
  if (!parse_two(args, nargs, kwnames, &blocking, &timeout)) return false;
  if (!parse_blocking(blocking, may_block)) return false;
  if (timeout == nullptr) return true;
  std::int64_t timeout_ns = 0;
  if (!parse_seconds(timeout, &timeout_ns)) return false;
  const bool for_ever = timeout_ns == -1'000'000'000;
  if (!*may_block && !for_ever) return refuse_timeout_without_blocking();
  if (timeout_ns < 0 && !for_ever) {
    PyErr_Format(PyExc_ValueError, "timeout must be a non-negative number or -1 (for ever), not %R",
                 timeout);
    return false;
  }
  if (!for_ever) *deadline = Deadline::after(timeout_ns);
  return true;
}

bool parse_semaphore_acquire(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                             bool* may_block, Deadline* deadline) {
  *may_block = true;
  *deadline = Deadline::never();
  if (nargs == 0 && kwnames == nullptr) return true;
  PyObject* blocking = nullptr;
  PyObject* timeout = nullptr;
  if (!parse_two(args, nargs, kwnames, &blocking, &timeout)) return false;
  if (!parse_blocking(blocking, may_block)) return false;
  if (timeout == nullptr || timeout == Py_None) return true;
  if (!*may_block) return refuse_timeout_without_blocking();
  std::int64_t timeout_ns = 0;
  if (!parse_seconds(timeout, &timeout_ns)) return false;
  *deadline = Deadline::after(timeout_ns);
  return true;
}

bool parse_optional_timeout(PyObject* timeout, Deadline* deadline) {
  *deadline = Deadline::never();
  if (timeout == nullptr || timeout == Py_None) return true;
  std::int64_t timeout_ns = 0;
  if (!parse_seconds(timeout, &timeout_ns)) return false;
  *deadline = Deadline::after(timeout_ns);
  return true;
}

bool parse_one(const char* function, const char* name, PyObject* const* args, Py_ssize_t nargs,
               PyObject* kwnames, PyObject** value) {
  const Py_ssize_t n_keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  *value = nullptr;
  if (nargs + n_keywords > 1) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most 1 argument (%zd given)", function,
                 nargs + n_keywords);
    return false;
  }
  if (n_keywords == 1 &&
      PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), name) != 0) {
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'; it takes %s",
                 function, PyTuple_GET_ITEM(kwnames, 0), name);
    return false;
  }
  if (nargs + n_keywords == 1) *value = args[0];
  return true;
}

bool parse_wait(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Deadline* deadline) {
  PyObject* timeout = nullptr;
  return parse_one("wait", "timeout", args, nargs, kwnames, &timeout) &&
         parse_optional_timeout(timeout, deadline);
}

}  // namespace nativeconc::seam
