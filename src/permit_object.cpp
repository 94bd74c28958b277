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
  new (&permit_object(self)->stats) sync::WaitStats;
  permit_object(self)->bound = bound;
  return self;
}

void dealloc_permit_object(PyObject* self) {
  if (permit_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  free_instance(self);
}

namespace {

struct PermitWait {
  sync::Permits& permits;
  sync::Waiter waiter;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<PermitWait*>(wait);
  return self->permits.acquire(deadline, self->waiter);
}

}  // namespace

Waited wait_for_permit(PyObject* self, Deadline deadline) {
  PermitWait wait{permit_object(self)->permits, {}};
  return wait_for({&wait, sleep, nullptr, &permit_object(self)->stats}, deadline);
}

PyMemberDef permit_object_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PermitObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace nativeconc::seam
