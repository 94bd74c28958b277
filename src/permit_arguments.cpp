// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "permit_arguments.hpp"

#include "count_argument.hpp"
#include "nativeconc/sync/permits.hpp"

namespace nativeconc::seam {

using sync::Permits;

bool parse_permits(PyObject* object, const char* name, long least, std::uint32_t* count) {
  return parse_count(object, name, least, Permits::kMax, count);
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
  return nargs + n_keywords == 0 || parse_permits(args[0], "n", 1, n);
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
