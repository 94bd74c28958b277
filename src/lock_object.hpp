// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What Condition needs of nc.Lock. Needs the GIL.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

extern PyTypeObject* lock_type;

bool is_locked(PyObject* lock);

}  // namespace nativeconc::seam
