// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "permit_object.hpp"

#include <cstddef>
#include <new>
#include <type_traits>

namespace nativeconc::seam {

static_assert(std::is_standard_layout_v<PermitObject>, "offsetof needs it");
static_assert(std::is_trivially_destructible_v<sync::Permits>, "dealloc runs no destructor");

PyObject* new_permit_object(PyTypeObject* type, std::uint32_t count, std::uint32_t bound) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  new (&permit_object(self)->permits) sync::Permits(count);
  permit_object(self)->bound = bound;
  return self;
}

void dealloc_permit_object(PyObject* self) {
  if (permit_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  Py_CLEAR(permit_object(self)->name);
  free_instance(self);
}

PyMemberDef permit_object_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PermitObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace nativeconc::seam
