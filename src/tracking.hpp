// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What nc.deadlock.enable(order=True) and enable(stacks=True) cost: each thread's record of the
// locks that it holds, in the order in which it took them. Off, it is one load of a flag.
//
// Needs the GIL. A record is a list of its thread, guarded by a short mutex, because others look at
// it and because a plain Lock may be released by another thread.
#pragma once

#include <atomic>

#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/deadlock/want.hpp"
#include "python.hpp"

namespace nativeconc::seam {

namespace detail {
extern std::atomic<bool> tracking;
}  // namespace detail

inline bool is_tracking() { return detail::tracking.load(std::memory_order_relaxed); }

// "lock", "read" or "write".
const char* mode_name(deadlock::Mode mode);

// Before a lock is taken that this thread does not hold, and waited for without a limit. Warns if
// the order of locks could deadlock. False, with an error set, if warnings are errors.
bool check_order(PyObject* lock);

// After it was taken; before that, nothing can fail, and no Python code runs.
void note_taken(PyObject* lock, deadlock::Mode mode);

// After it was released by this thread; `owner` had it.
void note_released(PyObject* lock, deadlock::ThreadId owner);

// enable() and disable(): begins or ends tracking. Records and the lock-order graph start empty.
void set_tracking(bool on);

// The place where a thread took a lock, as (filename, line, function), or None if unknown.
PyObject* where_taken(PyObject* lock, deadlock::ThreadId thread);

// [(ident, name, lock, mode, took)]: what threads hold, as far as it is known.
PyObject* list_held();

// While one of these lives, this thread's locks are not tracked.
class NotTracked {
 public:
  NotTracked();
  ~NotTracked();
  NotTracked(const NotTracked&) = delete;
  NotTracked& operator=(const NotTracked&) = delete;
};

}  // namespace nativeconc::seam
