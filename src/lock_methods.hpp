// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The methods that every kind of lock has, made from its operations at compile time: the calls are
// direct, so a method costs no more than if it were written out. Needs the GIL.
#pragma once

#include "forfeit.hpp"
#include "lock_header.hpp"
#include "lock_operations.hpp"
#include "python.hpp"
#include "thread_name.hpp"
#include "timed_entry.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {

inline constexpr char kTimeoutDoc[] =
    "timeout($self, seconds, /)\n--\n\n"
    "Return a context manager that takes the lock within so many seconds, or raises "
    "LockTimeout.\n\n"
    "    with lock.timeout(0.5):\n"
    "        ...\n\n"
    "Raises:\n"
    "    ValueError: seconds is negative or NaN.\n"
    "    LockTimeout: on entering, when the lock was not free in time; the body does not run.";

inline constexpr char kAtForkReinitDoc[] =
    "Make the lock as new. Only in a child just forked, before other threads start.";

template <const LockOperations& kOperations>
struct LockMethods {
  static PyObject* enter(PyObject* self, PyObject*) {
    return acquire_result(kOperations.take(self, Deadline::never()));
  }

  // acquire(blocking=True, timeout=-1)
  static PyObject* acquire(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames) {
    bool may_block = true;
    Deadline deadline = Deadline::never();
    if (!parse_lock_acquire(args, nargs, kwnames, &may_block, &deadline)) return nullptr;
    return acquire_result(may_block ? kOperations.take(self, deadline) : kOperations.attempt(self));
  }

  static PyObject* release(PyObject* self, PyObject*) {
    if (!kOperations.release(self)) return nullptr;
    Py_RETURN_NONE;
  }

  static PyObject* exit(PyObject* self, PyObject* const*, Py_ssize_t) {
    if (is_forfeited(self)) [[unlikely]]
      Py_RETURN_NONE;
    return release(self, nullptr);
  }

  static PyObject* timeout(PyObject* self, PyObject* seconds) {
    return make_timed_entry(self, seconds, kOperations);
  }
};

}  // namespace nativeconc::seam
