// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What others need of nc.Condition. Needs the GIL.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// nc.Condition(nc.Lock()). A new reference, or null with an error.
PyObject* new_condition_over_lock();

// The lock under a Condition, and under that; any other object is its own. Borrowed.
PyObject* innermost_lock(PyObject* object);

}  // namespace nativeconc::seam
