// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The Python exceptions of the library, and the one place where C++ exceptions become Python ones.
//
// The types are created when the module is imported and live as long as the process: the module
// refuses to load in sub-interpreters, so there is one of each. Needs the GIL (or a thread state).
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

struct Errors {
  PyObject* native_conc_error = nullptr;
  PyObject* lock_timeout = nullptr;
  PyObject* deadlock_error = nullptr;
  PyObject* deadlock_warning = nullptr;
  PyObject* owner_died_error = nullptr;
  PyObject* shared_memory_full = nullptr;
  PyObject* segment_error = nullptr;
  PyObject* cuda_unavailable_error = nullptr;
};

const Errors& errors();

// Sets a Python error for the C++ exception being handled. Call it inside catch (...).
void set_error_from_current_exception();

}  // namespace nativeconc::seam
