// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "segment_name.hpp"

#include <cerrno>

#include "errors.hpp"

namespace nativeconc::seam {

bool parse_size(PyObject* object, std::uint64_t* size, const char* name) {
  if (PyIndex_Check(object) == 0) {
    PyErr_Format(PyExc_TypeError, "%s must be an int, not %.100s", name, Py_TYPE(object)->tp_name);
    return false;
  }
  const Py_ssize_t number = PyNumber_AsSsize_t(object, nullptr);  // clips, never overflows
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  if (number < 0) {
    PyErr_Format(PyExc_ValueError, "%s must be 0 or more, not %S", name, object);
    return false;
  }
  if (static_cast<std::uint64_t>(number) > shared::kMaxSize) {
    PyObject* text =
        PyUnicode_FromFormat("a segment has at most %llu bytes, not %S",
                             static_cast<unsigned long long>(shared::kMaxSize), object);
    PyObject* args = text == nullptr ? nullptr : Py_BuildValue("(iN)", EFBIG, text);
    if (args != nullptr) PyErr_SetObject(errors().shared_memory_full, args);
    Py_XDECREF(args);
    return false;
  }
  *size = static_cast<std::uint64_t>(number);
  return true;
}

bool parse_name(PyObject* object, std::string* name) {
  if (object == Py_None) return true;
  if (PyUnicode_Check(object) == 0) {
    PyErr_Format(PyExc_TypeError, "name must be a str or None, not %.100s",
                 Py_TYPE(object)->tp_name);
    return false;
  }
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object, &length);
  if (text == nullptr) return false;
  if (length == 0) {
    PyErr_SetString(PyExc_ValueError, "a name must not be empty");
    return false;
  }
  *name = std::string(text, static_cast<std::size_t>(length));
  // What cannot be seen cannot be told apart, or typed.
  for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(object); ++i) {
    if (Py_UNICODE_ISPRINTABLE(PyUnicode_READ_CHAR(object, i))) continue;
    PyErr_Format(PyExc_ValueError, "a name has printable characters only, not %R", object);
    return false;
  }
  return true;
}

PyObject* name_of(const shared::Segment& segment) {
  if (segment.name().empty()) return Py_NewRef(Py_None);
  return PyUnicode_FromStringAndSize(segment.name().data(),
                                     static_cast<Py_ssize_t>(segment.name().size()));
}

}  // namespace nativeconc::seam
