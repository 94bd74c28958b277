// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "heap_type.hpp"

#include "entry_method.hpp"

namespace nativeconc::seam {

PyTypeObject* make_heap_type(py::module_& m, PyType_Spec& spec, PyTypeObject* base) {
  PyObject* type = PyType_FromModuleAndSpec(m.ptr(), &spec, reinterpret_cast<PyObject*>(base));
  if (type == nullptr) throw py::error_already_set();
  return reinterpret_cast<PyTypeObject*>(type);
}

PyTypeObject* add_heap_type(py::module_& m, PyType_Spec& spec, PyTypeObject* base) {
  PyTypeObject* type = make_heap_type(m, spec, base);
  if (!bind_entries_quickly(type) || PyModule_AddType(m.ptr(), type) != 0) {
    throw py::error_already_set();
  }
  return type;
}

PyObject* qualified_type_name(PyObject* self) {
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(self));
  PyObject* module = PyObject_GetAttrString(type, "__module__");
  PyObject* name = PyObject_GetAttrString(type, "__qualname__");
  PyObject* result =
      module == nullptr || name == nullptr ? nullptr : PyUnicode_FromFormat("%S.%S", module, name);
  Py_XDECREF(module);
  Py_XDECREF(name);
  return result;
}

PyObject* refuse_pickling(PyObject* self, PyObject*) {
  PyErr_Format(PyExc_TypeError,
               "cannot pickle or copy '%.200s' object: it belongs to the threads of one process",
               Py_TYPE(self)->tp_name);
  return nullptr;
}

}  // namespace nativeconc::seam
