// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The lock under a Condition, of whatever kind: is it held, let go of it altogether, take it back.
// Needs the GIL; taking it back may wait, without it.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// 1, 0, or -1 with an error. A lock without _is_owned counts as held when somebody holds it.
int is_lock_held(PyObject* lock);

// The lock, which this thread must hold: null, with an error set, if not, or if it is null.
PyObject* held_lock(PyObject* lock, const char* to_do);

// A new reference to what take_lock_back needs, or null with an error.
PyObject* let_go_of_lock(PyObject* lock);

// Takes the lock back, whatever comes: an exception of a signal handler waits until it is held.
// False if that cannot be, because it would be a deadlock: then the lock is not held, and the
// `with` around gives nothing back. An error that was set before, or arises on the way, is set on
// return.
bool take_lock_back(PyObject* lock, PyObject* saved);

// The same for an nc.RLock or a subclass, whatever methods that has.
bool take_rlock_back(PyObject* rlock, PyObject* saved);
bool take_shared_rlock_back(PyObject* rlock, PyObject* saved);

}  // namespace nativeconc::seam
