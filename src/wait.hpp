// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The one wait loop: every blocking call of the library comes through here.
//
// It releases the GIL around each sleep, honours the deadline, and on the main thread lets Python's
// signal handlers run: at once when a signal interrupts the sleep, within kSignalPollNs when it was
// delivered to another thread or just before the sleep began.
#pragma once

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/sync/permits.hpp"
#include "python.hpp"

namespace nativeconc::seam {

inline constexpr std::int64_t kSignalPollNs = 50'000'000;

// Python runs signal handlers on its main thread alone, which is the process's first thread, or
// after a fork the only one. An interpreter embedded in another thread is still woken by EINTR.
bool is_main_thread();

enum class Waited {
  acquired,
  timed_out,
  error,  // a Python exception is set (a signal handler raised); nothing is held
};

// Takes a permit. Call it with the GIL; it is held again on return. Never returns if the
// interpreter shuts down meanwhile and this is not the main thread.
Waited wait_for_permit(sync::Permits& permits, Deadline deadline);

}  // namespace nativeconc::seam
