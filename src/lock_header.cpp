// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "lock_header.hpp"

#include <array>
#include <cstddef>
#include <new>
#include <type_traits>

#include "forfeit.hpp"

namespace nativeconc::seam {

static_assert(std::is_standard_layout_v<LockHeader>, "offsetof needs it");
static_assert(std::is_trivially_destructible_v<LockHeader>, "dealloc runs no destructor");

namespace {

PyObject* lock_name(PyObject* self, void*) { return get_name(self, lock_header(self)->origin); }

struct LockType {
  PyTypeObject* type;
  OwnerOf owner;
};
std::array<LockType, 6> types{};

const LockType* type_of(PyObject* object) {
  for (const LockType& candidate : types) {
    if (candidate.type != nullptr && PyObject_TypeCheck(object, candidate.type)) return &candidate;
  }
  return nullptr;
}

}  // namespace

PyObject* new_lock(PyTypeObject* type) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  new (&lock_header(self)->origin) Origin{};
  new (&lock_header(self)->stats) sync::WaitStats;
  begin_origin(lock_header(self)->origin);
  return self;
}

void dealloc_lock(PyObject* self) {
  if (lock_header(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  drop_forfeits(self);
  end_origin(lock_header(self)->origin);
  free_instance(self);
}

int init_lock(PyObject* self, PyObject* args, PyObject* kwargs, const char* format) {
  static const char* keywords[] = {"name", nullptr};
  PyObject* name = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, format, const_cast<char**>(keywords), &name) == 0) {
    return -1;
  }
  return set_name(self, lock_header(self)->origin, name) ? 0 : -1;
}

PyObject* lock_repr(PyObject* self, const char* state, const char* details) {
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  PyObject* name = lock_name(self, nullptr);
  PyObject* repr =
      Py_IsNone(name) != 0
          ? PyUnicode_FromFormat("<%s %U object%s at %p>", state, type, details, self)
          : PyUnicode_FromFormat("<%s %U object %R%s at %p>", state, type, name, details, self);
  Py_DECREF(name);
  Py_DECREF(type);
  return repr;
}

PyGetSetDef lock_properties[] = {
    {"name", lock_name, nullptr, "The name given at creation, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef lock_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(LockHeader, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

bool has_lock_header(PyObject* object) { return type_of(object) != nullptr; }

deadlock::ThreadId owner_of(PyObject* lock) { return type_of(lock)->owner(lock); }

void add_lock_type(PyTypeObject* type, OwnerOf owner) {
  for (LockType& place : types) {
    if (place.type == nullptr) {
      place = {type, owner};
      return;
    }
  }
}

}  // namespace nativeconc::seam
