// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The Python object behind shared.Buffer, and behind every shared.Array: one lease on shared
// memory.
//
// The memory stays mapped while the lease lasts, and the lease lasts as long as anybody may look:
// close() ends it at once if nobody looks, else the last view that goes ends it, else the end of
// the object. A memoryview is counted. NumPy (numpy.ndarray(buffer=...)) and others
// (torch.frombuffer) take an address, let the view go at once, and keep a reference to the object:
// whoever asks without wanting the format, as they do and memoryview does not, pins the lease to
// the object.
//
// Needs the GIL, or on free-threaded builds the object's critical section, which the functions
// take.
#pragma once

#include "heap_type.hpp"
#include "nativeconc/shared/memory.hpp"

namespace nativeconc::seam {

struct BufferObject {
  PyObject_HEAD shared::Lease lease;  // no segment: it has ended
  std::uint64_t size;
  Py_ssize_t views;
  bool is_pinned;
  bool is_closed;
  bool is_readonly;
  PyObject* name;  // a str or None
  PyObject* weakrefs;
};

inline BufferObject* buffer_object(PyObject* self) { return reinterpret_cast<BufferObject*>(self); }

// shared.Buffer itself.
PyTypeObject* buffer_type();

// A new object over a lease, which it takes over: null with an error if there is no memory, and
// then the lease is given back.
PyObject* new_buffer_object(PyTypeObject* type, const shared::Lease& lease);

// The slots and methods that are about the memory's life.
void dealloc_buffer(PyObject* self);
int get_buffer(PyObject* self, Py_buffer* view, int flags);
void release_buffer(PyObject* self, Py_buffer* view);
PyObject* close_buffer(PyObject* self, PyObject*);

// The lease of an open buffer; null with a ValueError if it is closed. Good while the caller has
// the object and the GIL, or its critical section.
const shared::Lease* open_lease(PyObject* self);

}  // namespace nativeconc::seam
