// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "python_part.hpp"

namespace nativeconc::seam {

PyObject* call_python(const char* module_name, const char* function_name, PyObject* args) {
  if (args == nullptr) return nullptr;
  PyObject* module = PyImport_ImportModule(module_name);
  PyObject* function = module == nullptr ? nullptr : PyObject_GetAttrString(module, function_name);
  PyObject* result = function == nullptr ? nullptr : PyObject_CallObject(function, args);
  Py_XDECREF(function);
  Py_XDECREF(module);
  Py_DECREF(args);
  return result;
}

}  // namespace nativeconc::seam
