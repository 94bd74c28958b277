// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "permit_arguments.hpp"

#include "nativeconc/sync/permits.hpp"

namespace nativeconc::seam {

using sync::Permits;

bool parse_count(PyObject* object, const char* name, long least, std::uint32_t* count) {
  if (PyIndex_Check(object) == 0) {
    PyErr_Format(PyExc_TypeError, "%s must be an int, not %.100s", name, Py_TYPE(object)->tp_name);
    return false;
  }
  PyObject* index = PyNumber_Index(object);
  if (index == nullptr) return false;
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(index, &overflow);
  Py_DECREF(index);
  if (overflow != 0 || value < least || value > static_cast<long long>(Permits::kMax)) {
    PyErr_Format(PyExc_ValueError, "%s must be from %ld to %lu, not %S", name, least,
                 static_cast<unsigned long>(Permits::kMax), object);
    return false;
  }
  *count = static_cast<std::uint32_t>(value);
  return true;
}

bool parse_release(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, std::uint32_t* n) {
  *n = 1;
  const Py_ssize_t n_keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  if (nargs + n_keywords > 1) {
    PyErr_Format(PyExc_TypeError, "release() takes at most 1 argument (%zd given)",
                 nargs + n_keywords);
    return false;
  }
  if (n_keywords == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "n") != 0) {
    PyErr_Format(PyExc_TypeError, "release() got an unexpected keyword argument '%U'; it takes n",
                 PyTuple_GET_ITEM(kwnames, 0));
    return false;
  }
  return nargs + n_keywords == 0 || parse_count(args[0], "n", 1, n);
}

bool refuse_too_many(bool is_bounded) {
  if (is_bounded) {
    PyErr_SetString(PyExc_ValueError, "Semaphore released too many times");
  } else {
    PyErr_Format(PyExc_OverflowError, "a semaphore cannot hold more than %lu permits",
                 static_cast<unsigned long>(Permits::kMax));
  }
  return false;
}

}  // namespace nativeconc::seam
