// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "entry_method.hpp"

#include <array>
#include <cstddef>

#include "bindings.hpp"
#include "heap_type.hpp"

#if defined(Py_GIL_DISABLED) || PY_VERSION_HEX >= 0x030E0000

namespace nativeconc::seam {
bool bind_entries_quickly(PyTypeObject*) { return true; }
void bind_entry_method(py::module_&) {}
}  // namespace nativeconc::seam

#else

namespace nativeconc::seam {
namespace {

// What stands in the type's dictionary.
struct EntryMethod {
  PyObject_HEAD PyMethodDescrObject* method;  // CPython's own, of METH_NOARGS or METH_FASTCALL
};

// A method of one object, as CPython's builtin_function_or_method is.
struct BoundEntry {
  PyObject_HEAD vectorcallfunc call;
  PyMethodDescrObject* method;  // borrowed: it lives as long as its type, and that as the process
  PyObject* object;
};

PyTypeObject* method_type = nullptr;
PyTypeObject* bound_type = nullptr;

EntryMethod* entry_method(PyObject* self) { return reinterpret_cast<EntryMethod*>(self); }
BoundEntry* bound_entry(PyObject* self) { return reinterpret_cast<BoundEntry*>(self); }
PyObject* as_object(PyMethodDescrObject* method) { return reinterpret_cast<PyObject*>(method); }

// Bound methods that nobody refers to any more. A `with` has two at a time; with statements inside
// one another have more.
struct {
  std::array<PyObject*, 16> objects{};
  std::size_t count = 0;
} used;

// Arguments that the method does not take: let CPython say so.
PyObject* call_by_the_book(const BoundEntry* bound, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames) {
  PyObject* function =
      PyCFunction_NewEx(bound->method->d_method, bound->object, /*module=*/nullptr);
  if (function == nullptr) return nullptr;
  PyObject* answer = PyObject_Vectorcall(function, args, static_cast<std::size_t>(nargs), kwnames);
  Py_DECREF(function);
  return answer;
}

PyObject* call(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames) {
  const BoundEntry* bound = bound_entry(self);
  const PyMethodDef& def = *bound->method->d_method;
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (kwnames == nullptr) {
    if (def.ml_flags == METH_FASTCALL) {
      // By way of void(*)(): see as_method.
      const auto function =
          reinterpret_cast<_PyCFunctionFast>(reinterpret_cast<void (*)()>(def.ml_meth));
      return function(bound->object, args, nargs);
    }
    if (nargs == 0 && def.ml_flags == METH_NOARGS) return def.ml_meth(bound->object, nullptr);
  }
  return call_by_the_book(bound, args, nargs, kwnames);
}

PyObject* bind(PyObject* self, PyObject* object, PyObject* owner) {
  PyMethodDescrObject* method = entry_method(self)->method;
  if (object == nullptr) return Py_NewRef(as_object(method));
  if (PyObject_TypeCheck(object, PyDescr_TYPE(method)) == 0) {  // let CPython say so
    return Py_TYPE(as_object(method))->tp_descr_get(as_object(method), object, owner);
  }
  PyObject* result = used.count > 0 ? PyObject_Init(used.objects[--used.count], bound_type)
                                    : bound_type->tp_alloc(bound_type, 0);
  if (result == nullptr) return nullptr;
  BoundEntry* bound = bound_entry(result);
  bound->call = call;
  bound->method = method;
  bound->object = Py_NewRef(object);
  if (PyObject_GC_IsTracked(result) == 0) PyObject_GC_Track(result);
  return result;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(bound_entry(self)->object);
  return 0;
}

// No tp_clear: a cycle through a bound method is broken elsewhere, as with CPython's.
void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_CLEAR(bound_entry(self)->object);
  if (used.count == used.objects.size()) {
    free_instance(self);
    return;
  }
  used.objects[used.count++] = self;
  Py_DECREF(bound_type);
}

PyObject* repr(PyObject* self) {
  const BoundEntry* bound = bound_entry(self);
  return PyUnicode_FromFormat("<built-in method %s of %s object at %p>",
                              bound->method->d_method->ml_name, Py_TYPE(bound->object)->tp_name,
                              bound->object);
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  if ((op != Py_EQ && op != Py_NE) || Py_TYPE(a) != Py_TYPE(b)) Py_RETURN_NOTIMPLEMENTED;
  const bool same = bound_entry(a)->object == bound_entry(b)->object &&
                    bound_entry(a)->method == bound_entry(b)->method;
  return PyBool_FromLong(same == (op == Py_EQ) ? 1 : 0);
}

Py_hash_t hash(PyObject* self) {
  const auto address = reinterpret_cast<std::uintptr_t>(bound_entry(self)->object) ^
                       reinterpret_cast<std::uintptr_t>(bound_entry(self)->method);
  return static_cast<Py_hash_t>(address >> 4);
}

PyObject* of_method(PyObject* self, void* name) {
  return PyObject_GetAttrString(as_object(bound_entry(self)->method),
                                static_cast<const char*>(name));
}

constexpr PyGetSetDef forwarded(const char* name) {
  return {name, of_method, nullptr, nullptr, const_cast<char*>(name)};
}

PyGetSetDef bound_properties[] = {
    forwarded("__name__"),
    forwarded("__qualname__"),
    forwarded("__doc__"),
    forwarded("__text_signature__"),
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef bound_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(BoundEntry, call), READONLY, nullptr},
    {"__self__", T_OBJECT, offsetof(BoundEntry, object), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot bound_slots[] = {
    {Py_tp_call, as_slot(PyVectorcall_Call)},
    {Py_tp_getset, bound_properties},
    {Py_tp_members, bound_members},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_richcompare, as_slot(compare)},
    {Py_tp_hash, as_slot(hash)},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {0, nullptr},
};

PyType_Spec bound_spec = {"nativeconc._core.BoundEntry", sizeof(BoundEntry), 0,
                          kHeapTypeFlags | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                              Py_TPFLAGS_DISALLOW_INSTANTIATION,
                          bound_slots};

PyType_Slot method_slots[] = {
    {Py_tp_descr_get, as_slot(bind)},
    {0, nullptr},
};

PyType_Spec method_spec = {"nativeconc._core.EntryMethod", sizeof(EntryMethod), 0,
                           kHeapTypeFlags | Py_TPFLAGS_DISALLOW_INSTANTIATION, method_slots};

// False: a Python error is set.
bool replace(PyTypeObject* type, const char* name) {
  PyObject* method = PyDict_GetItemString(type->tp_dict, name);  // borrowed
  if (method == nullptr) return true;
  PyObject* quick = method_type->tp_alloc(method_type, 0);
  if (quick == nullptr) return false;
  entry_method(quick)->method = reinterpret_cast<PyMethodDescrObject*>(Py_NewRef(method));
  const int failed = PyDict_SetItemString(type->tp_dict, name, quick);
  Py_DECREF(quick);
  return failed == 0;
}

}  // namespace

bool bind_entries_quickly(PyTypeObject* type) {
  if (!replace(type, "__enter__") || !replace(type, "__exit__")) return false;
  PyType_Modified(type);
  return true;
}

void bind_entry_method(py::module_& m) {
  method_type = make_heap_type(m, method_spec);
  bound_type = make_heap_type(m, bound_spec);
}

}  // namespace nativeconc::seam

#endif
