// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What stats() returns: nativeconc.Stats, a frozen named tuple. Needs the GIL.
#pragma once

#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/sync/wait_stats.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// `owner` is deadlock::kNobody where nobody owns it.
PyObject* make_stats(const sync::WaitStats& stats, deadlock::ThreadId owner = deadlock::kNobody);

// The same from figures of many processes. Steals `owner`, which may be null with an error.
PyObject* make_stats_of(const sync::WaitTotals& totals, std::uint32_t waiters, PyObject* owner);

// The docstring of every stats() method.
extern const char kStatsDoc[];

}  // namespace nativeconc::seam
