// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "buffer_object.hpp"

#include <utility>

#include "gil.hpp"
#include "segment_name.hpp"

namespace nativeconc::seam {
namespace {

using shared::Lease;
using shared::Memory;

// Unmapping more than this takes long enough to let others run.
constexpr std::uint64_t kQuickRelease = 1 << 20;

// What the object holds, if nobody can look at it any more; the caller gives it back.
Lease take_if_unseen(PyObject* self) {
  BufferObject* const object = buffer_object(self);
  if (!object->is_closed || object->is_pinned || object->views > 0) return {};
  return std::exchange(object->lease, Lease{});
}

// Lets others run while a big one is unmapped. Not at the end of the interpreter: there whoever
// lets the GIL go may not get it back.
void give_back(const Lease& lease) {
  if (lease.segment == nullptr) return;
  if (lease.size <= kQuickRelease || is_finalizing()) {
    Memory::instance().release(lease);
    return;
  }
  PyThreadState* state = release_gil();
  Memory::instance().release(lease);
  take_gil(state);
}

}  // namespace

PyObject* new_buffer_object(PyTypeObject* type, const Lease& lease) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) {
    give_back(lease);
    return nullptr;
  }
  BufferObject* const object = buffer_object(self);
  object->lease = lease;
  object->size = lease.size;
  object->is_readonly = lease.segment->access() == shared::Access::read_only;
  object->name = name_of(*lease.segment);
  if (object->name == nullptr) Py_CLEAR(self);
  return self;
}

void dealloc_buffer(PyObject* self) {
  if (buffer_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  const Lease lease = buffer_object(self)->lease;
  Py_CLEAR(buffer_object(self)->name);
  free_instance(self);
  give_back(lease);
}

const Lease* open_lease(PyObject* self) {
  if (!buffer_object(self)->is_closed) return &buffer_object(self)->lease;
  PyErr_SetString(PyExc_ValueError, "the buffer is closed");
  return nullptr;
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  BufferObject* const object = buffer_object(self);
  int result = -1;
  view->obj = nullptr;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  const Lease* lease = open_lease(self);
  if (lease != nullptr) {
    result = PyBuffer_FillInfo(view, self, lease->data, static_cast<Py_ssize_t>(object->size),
                               object->is_readonly ? 1 : 0, flags);
  }
  if (result == 0) {
    ++object->views;
    if ((flags & PyBUF_FORMAT) == 0) object->is_pinned = true;
  }
  NATIVECONC_END_EXCLUSIVE();
  return result;
}

void release_buffer(PyObject* self, Py_buffer*) {
  Lease lease;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  --buffer_object(self)->views;
  lease = take_if_unseen(self);
  NATIVECONC_END_EXCLUSIVE();
  give_back(lease);
}

PyObject* close_buffer(PyObject* self, PyObject*) {
  Lease lease;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  buffer_object(self)->is_closed = true;
  lease = take_if_unseen(self);
  NATIVECONC_END_EXCLUSIVE();
  give_back(lease);
  Py_RETURN_NONE;
}

}  // namespace nativeconc::seam
