// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What nc.deadlock.enable(order=True) and enable(stacks=True) cost: each thread's record of the
// locks that it holds, in the order in which it took them. Off, it is one load of a flag.
//
// Needs the GIL. The records are in hold_records.hpp.
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

// enable() and disable(): begins or ends tracking. Empties the records and the lock-order graph.
void set_tracking(bool on);

// The place where a thread took a lock, as (filename, line, function), or None if unknown.
PyObject* where_taken(PyObject* lock, deadlock::ThreadId thread);

// [(ident, name, lock, mode, took, fate)]: what threads hold, as far as it is known. The fate of a
// thread is "alive", "exited" or "lost" (it was one of the process that this one was forked from).
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
