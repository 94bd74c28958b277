// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// From findings of the core to Python: tuples for nativeconc.deadlock, which turns them into words.
// Needs the GIL.
#pragma once

#include "nativeconc/deadlock/wait_graph.hpp"
#include "python.hpp"

namespace nativeconc::seam {

enum class [[nodiscard]] Reported {
  gives_up,   // an error is set: this thread must give up its wait
  goes_on,    // a warning has been given
  dissolved,  // the deadlock is not there any more
};

// The announced wait of this thread is part of a deadlock, which this thread has claimed and now
// reports. The wait is announced no more when it returns.
Reported report_own_deadlock(std::uint64_t claimed);

// Raises the DeadlockError of a thread that would wait for itself: it reads and wants to write.
void raise_upgrade_error(PyObject* rwlock);

// [(kind, certain, parties)] of every deadlock there is now. A new list, or null with an error.
PyObject* find_deadlocks();

// Calls nativeconc.deadlock._events.NAME(*args); steals args. The result, or null with an error.
PyObject* call_event(const char* name, PyObject* args);

}  // namespace nativeconc::seam
