// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The Python object behind nc.Condition, and what others need of it. Needs the GIL.
#pragma once

#include <atomic>

#include "nativeconc/sync/condition.hpp"
#include "nativeconc/sync/wait_stats.hpp"
#include "python.hpp"

namespace nativeconc::seam {

struct ConditionObject {
  PyObject_HEAD sync::Condition condition;
  sync::WaitStats stats;
  std::atomic<PyObject*> lock;  // null where __init__ has not run
  PyObject* replaced;           // a list of the locks before it, if __init__ has run again
  PyObject* weakrefs;
};

inline ConditionObject* condition_object(PyObject* self) {
  return reinterpret_cast<ConditionObject*>(self);
}

// The lock of a Condition, borrowed, or null with an error. It lives as long as the condition.
PyObject* condition_lock(PyObject* self);

// nc.Condition(nc.Lock()). A new reference, or null with an error.
PyObject* new_condition_over_lock();

// The lock under a Condition, and under that; any other object is its own. Borrowed.
PyObject* innermost_lock(PyObject* object);

// The lock under a shared.Condition; null if it is something else. Borrowed.
PyObject* lock_under_shared(PyObject* object);

// In condition_wait.cpp: see ConditionOperations.
int condition_wait_until(PyObject* self, Deadline deadline);
PyObject* condition_notify(PyObject* self, std::uint64_t n);

}  // namespace nativeconc::seam
