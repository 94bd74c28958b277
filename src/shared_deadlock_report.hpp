// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// From deadlocks between processes, as the board of waits shows them, to Python: tuples for
// nativeconc.deadlock. Needs the GIL.
#pragma once

#include "deadlock_report.hpp"
#include "nativeconc/shared/wait_watch.hpp"

namespace nativeconc::seam {

// The wait of this thread, whose note is up, is part of a deadlock that it is to report. The note
// is down when it returns.
Reported report_shared_deadlock(shared::WaitWatch& watch);

// [(certain, parties)] of every deadlock that a thread of this process is part of now. A new list,
// or null with an error.
PyObject* find_shared_deadlocks();

// [(pid, tid, mode, timed, process, thread, place)] of those who wait for a primitive. A new list,
// or null with an error.
PyObject* list_shared_waiters(std::uint64_t uid);

}  // namespace nativeconc::seam
