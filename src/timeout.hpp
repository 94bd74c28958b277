// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Python timeouts (float seconds) to deadlines, with threading's rules and messages that help.
// Needs the GIL. Every function returns false, with a Python error set, when the value will not do.
#pragma once

#include "nativeconc/base/deadline.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// Any finite number of seconds up to threading.TIMEOUT_MAX; negative ones too. TypeError for other
// types, ValueError for NaN, OverflowError for more.
bool parse_seconds(PyObject* seconds, std::int64_t* timeout_ns);

// acquire(blocking=True, timeout=-1) as threading.Lock has it: -1 waits for ever.
// `may_block` is false for a mere try.
bool parse_lock_acquire(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, bool* may_block,
                        Deadline* deadline);

// acquire(blocking=True, timeout=None) as threading.Semaphore has it: None waits for ever, a
// negative timeout has passed already.
bool parse_semaphore_acquire(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                             bool* may_block, Deadline* deadline);

// The only argument of a METH_FASTCALL | METH_KEYWORDS function, by place or by name; borrowed, and
// null if it is not given.
bool parse_one(const char* function, const char* name, PyObject* const* args, Py_ssize_t nargs,
               PyObject* kwnames, PyObject** value);

// wait(timeout=None): None waits for ever, a negative timeout has passed already.
bool parse_wait(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Deadline* deadline);

// The same for a timeout that has been taken from its arguments; null and None wait for ever.
bool parse_optional_timeout(PyObject* timeout, Deadline* deadline);

}  // namespace nativeconc::seam
