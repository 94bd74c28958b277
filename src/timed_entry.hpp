// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What lock.timeout(seconds) returns: a context manager that enters within the time or raises
// LockTimeout. One type for every primitive; each brings its two operations.
// Needs the GIL; entering may wait, without it.
#pragma once

#include "python.hpp"
#include "wait.hpp"

namespace nativeconc::seam {

struct TimedOperations {
  Waited (*acquire)(PyObject* primitive, Deadline deadline);
  bool (*release)(PyObject* primitive);  // false: a Python error is set
};

// Implements the method timeout(seconds). `operations` must live as long as the module.
PyObject* make_timed_entry(PyObject* primitive, PyObject* seconds,
                           const TimedOperations& operations);

}  // namespace nativeconc::seam
