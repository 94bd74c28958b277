// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The Python object behind Semaphore and BoundedSemaphore.
//
// Everything that takes a permit is native code from the call to the record that it is held, so a
// signal handler cannot run in between and lose it. Needs the GIL; waiting releases it.
#pragma once

#include <atomic>

#include "heap_type.hpp"
#include "nativeconc/sync/permits.hpp"
#include "timed_entry.hpp"
#include "wait.hpp"

namespace nativeconc::seam {

struct PermitObject {
  PyObject_HEAD sync::Permits permits;
  std::atomic<std::uint32_t> bound;  // never more permits than this
  sync::WaitStats stats;
  PyObject* weakrefs;
};

inline PermitObject* permit_object(PyObject* self) { return reinterpret_cast<PermitObject*>(self); }

// Waits for a permit.
Waited wait_for_permit(PyObject* self, Deadline deadline);

// Takes a permit: at once if it can, else waiting until the deadline.
inline Waited take_permit(PyObject* self, Deadline deadline) {
  return permit_object(self)->permits.try_acquire() ? Waited::acquired
                                                    : wait_for_permit(self, deadline);
}

inline PyObject* acquire_permit(PyObject* self, bool may_block, Deadline deadline) {
  if (permit_object(self)->permits.try_acquire()) return Py_NewRef(Py_True);
  if (!may_block) return Py_NewRef(Py_False);
  return acquire_result(wait_for_permit(self, deadline));
}

// __enter__, which is acquire() without arguments.
inline PyObject* enter_permit(PyObject* self, PyObject*) {
  return acquire_result(take_permit(self, Deadline::never()));
}

// tp_new of a type that starts with `count` permits; arguments are __init__'s business.
PyObject* new_permit_object(PyTypeObject* type, std::uint32_t count, std::uint32_t bound);
void dealloc_permit_object(PyObject* self);

// The member that makes instances weakly referenceable.
extern PyMemberDef permit_object_members[];

}  // namespace nativeconc::seam
