// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "wait.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace nativeconc::seam {

bool is_main_thread() { return syscall(SYS_gettid) == getpid(); }

// Straight-line code, by design: see python.hpp.
Waited wait_for_permit(sync::Permits& permits, Deadline deadline) {
  sync::Permits::Waiter waiter;
  const bool polls = is_main_thread();
  for (;;) {
    const Deadline slice = polls ? earlier(deadline, Deadline::after(kSignalPollNs)) : deadline;
    PyThreadState* state = PyEval_SaveThread();
    const WaitResult result = permits.acquire(slice, waiter);
    PyEval_RestoreThread(state);
    if (result == WaitResult::acquired) return Waited::acquired;
    if (PyErr_CheckSignals() != 0) return Waited::error;
    if (result == WaitResult::timed_out && deadline.has_passed()) return Waited::timed_out;
  }
}

}  // namespace nativeconc::seam
