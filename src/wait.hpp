// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The one wait loop: every blocking call of the library comes through here.
//
// It releases the GIL around each sleep, honours the deadline, counts the wait, and on the main
// thread lets Python's signal handlers run: at once when a signal interrupts the sleep, within
// kSignalPollNs when it was delivered to another thread or just before the sleep began. A wait
// without a deadline for something that has an owner takes part in deadlock detection: among the
// threads of this process (deadlock/wait_graph.hpp), and where it uses shared memory among those of
// all processes (shared/wait_watch.hpp), which hear of it after some milliseconds.
#pragma once

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/deadlock/want.hpp"
#include "nativeconc/shared/wait_board.hpp"
#include "nativeconc/sync/wait_stats.hpp"
#include "python.hpp"

namespace nativeconc::seam {

inline constexpr std::int64_t kSignalPollNs = 50'000'000;

// Python runs signal handlers on its main thread alone, which is the process's first thread, or
// after a fork the only one. An interpreter embedded in another thread is still woken by EINTR.
bool is_main_thread();

enum class [[nodiscard]] Waited {
  acquired,
  timed_out,
  error,     // a Python exception is set, of a signal handler say; nothing is held
  deadlock,  // the same, but the wait could never have ended, and would not if it began again
};

// One thread's wait for one thing.
struct Waitable {
  void* self = nullptr;
  // Sleeps, without the GIL; is called again until it says `acquired` or the wait is given up.
  WaitResult (*sleep)(void* self, Deadline deadline) = nullptr;
  // Who stands in the way at this moment; null for what nobody owns. Called without the GIL.
  deadlock::Want (*want)(void* self) = nullptr;
  sync::WaitStats* stats = nullptr;
  sync::WaitTotals* shared_totals = nullptr;  // of a shared primitive: those of all processes
  // Of a shared primitive, instead of `want`: what is waited for, and who is in the way at this
  // moment. Called with and without the GIL.
  shared::SharedWant (*shared_want)(void* self) = nullptr;
  // Of what knows threads by their numbers: a signal handler has forked inside the wait and
  // returned, and this is the child, another thread. Called with the GIL; false with a Python
  // error.
  bool (*renew)(void* self) = nullptr;
};

// The result of acquire(): True, False, or null with an error set.
inline PyObject* acquire_result(Waited waited) {
  if (waited == Waited::error || waited == Waited::deadlock) return nullptr;
  return Py_NewRef(waited == Waited::acquired ? Py_True : Py_False);
}

// Threads run at the same time only where there is no GIL: elsewhere whoever has a lock cannot give
// it back while another thread spins with the GIL held.
#if defined(Py_GIL_DISABLED)
inline constexpr bool kMaySpin = true;
#else
inline constexpr bool kMaySpin = false;
#endif

// Call it with the GIL; it is held again on return. Never returns if the interpreter shuts down
// meanwhile and this is not the main thread.
Waited wait_for(const Waitable& what, Deadline deadline);

}  // namespace nativeconc::seam
