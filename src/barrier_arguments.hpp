// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The arguments that all barriers take, of threads and of processes. Needs the GIL.
#pragma once

#include "nativeconc/base/deadline.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// parties, action and timeout of Barrier(); the last two may be None. False with a Python error.
bool parse_barrier(PyObject* parties, long most, PyObject* action, PyObject* timeout,
                   std::uint32_t* n);

// wait(timeout=None), where None means `preset`, which may be null: for ever. False with a Python
// error.
bool parse_barrier_wait(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                        PyObject* preset, Deadline* deadline);

// threading's, which bind_barrier() finds.
extern PyObject* broken_barrier_error;

// Raises it; null.
PyObject* raise_broken_barrier();

}  // namespace nativeconc::seam
