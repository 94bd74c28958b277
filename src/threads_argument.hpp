// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The `threads=` argument of every kernel: a number, the enclosing num_threads(), or the process's
// default. Needs the GIL. Both throw a Python TypeError or ValueError that says what is allowed.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// An int from 1 to pool::kMaxThreads.
int parse_thread_count(py::handle threads);

// The same, or None for the default of this context.
int resolve_threads(py::handle threads);

// The ContextVar that num_threads() sets; None outside of one. Created by the first call.
PyObject* thread_count_context();

}  // namespace nativeconc::seam
