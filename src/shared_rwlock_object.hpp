// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How a shared.RWLock is taken and released, and what becomes of it when a writer dies. Needs the
// GIL; taking may wait, without it.
#pragma once

#include "nativeconc/shared/rwlock.hpp"
#include "recovery.hpp"
#include "shared_lock_object.hpp"

namespace nativeconc::seam {

// The object is a SharedLockObject over this state.
inline shared::RWLock& shared_rwlock(PyObject* self) { return shared_state<shared::RWLock>(self); }

// Is there a lock, and the calling thread's number? False with a Python error.
inline bool begin_shared_rwlock(PyObject* self, shared::ThreadNumber* me) {
  return is_made(self) && get_thread_number(me);
}

namespace rwlock_operations {
Waited try_to_read(PyObject* self);
Waited take_read(PyObject* self, Deadline deadline);
bool release_read(PyObject* self);
Waited try_to_write(PyObject* self);
Waited take_write(PyObject* self, Deadline deadline);
bool release_write(PyObject* self);
// To write in any state. Not for a thread that reads or writes already.
Waited recover(PyObject* self, Deadline deadline, bool* was_in_doubt);
void release_in_doubt(PyObject* self);
}  // namespace rwlock_operations

inline constexpr LockOperations kSharedReading{
    rwlock_operations::try_to_read, rwlock_operations::take_read, rwlock_operations::release_read};
inline constexpr LockOperations kSharedWriting{rwlock_operations::try_to_write,
                                               rwlock_operations::take_write,
                                               rwlock_operations::release_write};
inline constexpr RecoveryOperations kSharedRWLockRecovery{
    rwlock_operations::recover, [](PyObject* self) { return shared_rwlock(self).death(); },
    rwlock_operations::release_write, rwlock_operations::release_in_doubt};

// That there are as many readers as there is room for.
Waited refuse_readers();

}  // namespace nativeconc::seam
