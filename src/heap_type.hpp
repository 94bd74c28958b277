// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Small helpers for CPython heap types, the fast kind of extension type.
// Needs the GIL.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// What every heap type of ours is: made per module, and immutable, which keeps method look-up cheap
// on free-threaded builds too.
inline constexpr unsigned kHeapTypeFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE;

// Creates a type that the module does not show. It lives as long as the process. Throws
// error_already_set.
PyTypeObject* make_heap_type(py::module_& m, PyType_Spec& spec, PyTypeObject* base = nullptr);

// Creates the type and adds it to the module under the last part of its name.
PyTypeObject* add_heap_type(py::module_& m, PyType_Spec& spec, PyTypeObject* base = nullptr);

// "nativeconc.Lock", or "module.Name" of a subclass: how a repr begins. A new str, or null with an
// error.
PyObject* qualified_type_name(PyObject* self);

// For METH_FASTCALL | METH_KEYWORDS functions: the type that CPython wants cast.
template <class Function>
PyCFunction as_method(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

// The same for a slot of a type.
template <class Function>
void* as_slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

// Frees an instance whose members are already released, and lets go of its heap type.
inline void free_instance(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// Guards the Python references that an object holds on free-threaded builds; elsewhere the GIL
// does.
#if defined(Py_BEGIN_CRITICAL_SECTION)
#define NATIVECONC_BEGIN_EXCLUSIVE(object) Py_BEGIN_CRITICAL_SECTION(object)
#define NATIVECONC_END_EXCLUSIVE() Py_END_CRITICAL_SECTION()
#else
#define NATIVECONC_BEGIN_EXCLUSIVE(object) {
#define NATIVECONC_END_EXCLUSIVE() }
#endif

// __reduce__ of everything that means nothing in another process.
PyObject* refuse_pickling(PyObject* self, PyObject*);

}  // namespace nativeconc::seam
