// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "thread_name.hpp"

#include <string_view>

#include "nativeconc/deadlock/thread_registry.hpp"

namespace nativeconc::seam {
namespace {

// threading._active[get_ident()]._name, or null (without an error): a thread that is just starting
// is not listed yet, one that Python did not start never is.
PyObject* name_in_threading() {
  PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), "threading");  // borrowed
  if (module == nullptr) return nullptr;
  PyObject* active = PyObject_GetAttrString(module, "_active");
  PyObject* ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
  PyObject* name = nullptr;
  if (active != nullptr && ident != nullptr && PyDict_Check(active)) {
    PyObject* thread = PyDict_GetItemWithError(active, ident);  // borrowed
    if (thread != nullptr) name = PyObject_GetAttrString(thread, "_name");
  }
  Py_XDECREF(ident);
  Py_XDECREF(active);
  return name;
}

}  // namespace

void name_this_thread() {
  if (deadlock::this_thread_is_named()) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* name = name_in_threading();
  if (name != nullptr && PyUnicode_Check(name)) {
    Py_ssize_t length = 0;
    const char* utf8 = PyUnicode_AsUTF8AndSize(name, &length);
    if (utf8 != nullptr) deadlock::name_this_thread({utf8, static_cast<std::size_t>(length)});
  }
  Py_XDECREF(name);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

}  // namespace nativeconc::seam
