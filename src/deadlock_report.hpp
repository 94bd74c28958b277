// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// From findings of the core to Python: tuples for nativeconc.deadlock, which turns them into words.
// Needs the GIL.
#pragma once

#include "nativeconc/deadlock/wait_graph.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// The announced wait of this thread is part of a deadlock, and this thread is to report it. The
// wait is announced no more when it returns. False, with an error set, if the thread must give up
// its wait; true if it may go on, having warned or because the deadlock has dissolved meanwhile.
bool report_own_deadlock();

// Raises the DeadlockError of a thread that would wait for itself: it reads and wants to write.
void raise_upgrade_error(PyObject* rwlock);

// [(kind, certain, parties)] of every deadlock there is now. A new list, or null with an error.
PyObject* find_deadlocks();

// Calls nativeconc.deadlock._events.NAME(*args); steals args. The result, or null with an error.
PyObject* call_event(const char* name, PyObject* args);

}  // namespace nativeconc::seam
