// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The parts of a feature that are written in Python. Needs the GIL.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// Calls function(*args) of a module of the package; steals args, a tuple, or null with an error
// set. The result, or null with an error.
PyObject* call_python(const char* module_name, const char* function_name, PyObject* args);

}  // namespace nativeconc::seam
