// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Taking and releasing a lock of any kind: ours by a direct call, others through their methods.
// What timeout(), Condition and acquire_all are built on. Needs the GIL; taking may wait, without
// it.
#pragma once

#include "python.hpp"
#include "wait.hpp"

namespace nativeconc::seam {

struct LockOperations {
  Waited (*attempt)(PyObject* lock);  // never waits: `timed_out` if it is not free
  Waited (*take)(PyObject* lock, Deadline deadline);
  bool (*release)(PyObject* lock);  // false: a Python error is set
};

// By acquire() and release(), as subclasses and foreign locks define them.
extern const LockOperations kMethodOperations;

// Those of exactly our own types, else kMethodOperations.
const LockOperations& operations_of(PyObject* lock);

// A type's own operations; they must live as long as the module.
void add_operations(PyTypeObject* type, const LockOperations& operations);

}  // namespace nativeconc::seam
