// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What Lock, RLock and RWLock have in common: objects that a thread can own, which deadlock
// detection therefore knows. Needs the GIL.
#pragma once

#include "heap_type.hpp"
#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/sync/wait_stats.hpp"
#include "origin.hpp"

namespace nativeconc::seam {

// Each of their types begins like this, and then holds its lock of the core; those of
// nativeconc.shared too.
struct LockHeader {
  PyObject_HEAD Origin origin;
  sync::WaitStats stats;
  PyObject* weakrefs;
};

inline LockHeader* lock_header(PyObject* self) { return reinterpret_cast<LockHeader*>(self); }

// tp_new and dealloc of them; the caller constructs its lock.
PyObject* new_lock(PyTypeObject* type);
void dealloc_lock(PyObject* self);

// __init__(self, *, name=None); `format` is "|$O:Lock".
int init_lock(PyObject* self, PyObject* args, PyObject* kwargs, const char* format);

// "<locked nativeconc.Lock object 'name' at 0x...>", with `details` before "at" if there are any.
PyObject* lock_repr(PyObject* self, const char* state, const char* details);

// The property `name`, and the member that makes instances weakly referenceable.
extern PyGetSetDef lock_properties[];
extern PyMemberDef lock_members[];

// Is it an instance of one of them (or of a subclass)?
bool has_lock_header(PyObject* object);

// Who has such a lock; of an RWLock, its writer.
deadlock::ThreadId owner_of(PyObject* lock);

using OwnerOf = deadlock::ThreadId (*)(PyObject* lock);
void add_lock_type(PyTypeObject* type, OwnerOf owner);

}  // namespace nativeconc::seam
