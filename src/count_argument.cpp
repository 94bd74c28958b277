// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "count_argument.hpp"

namespace nativeconc::seam {

bool parse_count(PyObject* object, const char* name, long least, long most, std::uint32_t* count) {
  if (PyIndex_Check(object) == 0) {
    PyErr_Format(PyExc_TypeError, "%s must be an int, not %.100s", name, Py_TYPE(object)->tp_name);
    return false;
  }
  PyObject* index = PyNumber_Index(object);
  if (index == nullptr) return false;
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(index, &overflow);
  Py_DECREF(index);
  if (overflow != 0 || value < least || value > most) {
    PyErr_Format(PyExc_ValueError, "%s must be from %ld to %ld, not %S", name, least, most, object);
    return false;
  }
  *count = static_cast<std::uint32_t>(value);
  return true;
}

}  // namespace nativeconc::seam
