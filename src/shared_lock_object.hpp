// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What shared.Lock and shared.RLock have in common: everything but the depth. A shared.RWLock is
// such an object, too, but with another state. Needs the GIL.
#pragma once

#include "lock_operations.hpp"
#include "nativeconc/shared/rlock.hpp"
#include "owner_death.hpp"
#include "shared_object.hpp"

namespace nativeconc::seam {

struct SharedLockObject {
  SharedObject base;
  OwnerDeathPolicy policy;
};

inline SharedLockObject* shared_lock_object(PyObject* self) {
  return reinterpret_cast<SharedLockObject*>(self);
}

// Both lie in the same memory; a Lock leaves the depth alone.
inline shared::RLock& shared_rlock(PyObject* self) { return shared_state<shared::RLock>(self); }
inline shared::Lock& shared_lock(PyObject* self) { return shared_rlock(self).lock(); }

// Waits for it, after try_acquire() has failed: `me` does not have it.
Waited wait_for_shared_lock(PyObject* self, shared::ThreadNumber me, Deadline deadline);
// The same without waiting: is its owner dead?
Waited look_at_shared_lock(PyObject* self, shared::ThreadNumber me);

// Takes it in any state, once; not for a thread that has it already.
Waited recover_shared_lock(PyObject* self, Deadline deadline, bool* was_in_doubt);

// The owner, or kNobody if it is free or in doubt.
shared::ThreadNumber shared_owner(PyObject* self);
// The calling thread, if it has the lock.
deadlock::ThreadId own_thread_if_owner(PyObject* self);

// __init__(self, *, name=None, on_owner_death="raise")
int init_shared_lock(PyObject* self, PyObject* args, PyObject* kwargs, const char* format,
                     const char* type_name, shared::PrimitiveKind kind,
                     std::size_t size = sizeof(shared::Primitive<shared::RLock>));
PyObject* make_lock_over(PyObject* type, PyObject* args, shared::PrimitiveKind kind,
                         std::size_t size = sizeof(shared::Primitive<shared::RLock>));
PyObject* reduce_shared_lock(PyObject* self, PyObject*);
int traverse_shared_lock(PyObject* self, visitproc visit, void* arg);
int clear_shared_lock(PyObject* self);
void dealloc_shared_lock(PyObject* self);

// The properties `name`, `_buffer` and `on_owner_death`.
extern PyGetSetDef shared_lock_properties[];

// What Condition needs of a shared.RLock: see rlock_object.hpp.
bool is_own_shared_rlock(PyObject* rlock);
std::uint32_t give_up_shared_rlock(PyObject* rlock);
Waited take_back_shared_rlock(PyObject* rlock, std::uint32_t depth);

extern PyTypeObject* shared_lock_type;
extern PyTypeObject* shared_rlock_type;

}  // namespace nativeconc::seam
