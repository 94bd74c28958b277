// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "wait.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include "deadlock_report.hpp"
#include "deadlock_settings.hpp"
#include "gil.hpp"
#include "nativeconc/deadlock/wait_graph.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "nativeconc/os/fork_generation.hpp"
#include "thread_name.hpp"

namespace nativeconc::seam {
namespace {

using deadlock::Finding;
using deadlock::Glance;

// How soon a thread looks again that nobody rouses: when the owner ends, or when a deadlock is
// still there that another thread was to report.
constexpr std::int64_t kHeartbeatNs = 1'000'000'000;

// What a wait that can deadlock remembers from sleep to sleep.
struct Watch {
  std::uint64_t call = 0;              // numbers this wait; 0: it has not been announced yet
  std::uint64_t suspect = 0;           // the signature of a cycle that is only suspected,
  Deadline grace = Deadline::never();  // and when it has lasted long enough
  std::uint64_t settled = 0;           // the signature of one that is reported, by whomever
};

// Is it this thread's business to report it now?
bool is_due(const Glance& seen, Watch& watch) {
  if (seen.finding == Finding::nothing || seen.signature == watch.settled) return false;
  if (!seen.certain) {
    if (seen.signature != watch.suspect) {
      watch.suspect = seen.signature;
      watch.grace = Deadline::after(deadlock_settings().grace_ns.load(std::memory_order_relaxed));
    }
    if (!watch.grace.has_passed()) return false;
  }
  const deadlock::Claim claim = deadlock::claim(seen.signature);
  if (claim == deadlock::Claim::pending) {
    // Another thread is about to report it. Look again, in case it does not come to that.
    watch.grace = Deadline::after(kHeartbeatNs);
    return false;
  }
  watch.settled = seen.signature;
  return claim == deadlock::Claim::mine;
}

// Sleeps until `until`, without the GIL. Returns with `due` set, and the wait still announced, when
// a deadlock is to be reported.
WaitResult sleep_watched(const Waitable& what, Deadline until, Watch& watch, bool& due) {
  for (;;) {
    const deadlock::Want want = what.want(what.self);
    if (watch.call == 0) watch.call = deadlock::next_call();
    const Glance seen = deadlock::begin_wait(want, watch.call);
    due = is_due(seen, watch);
    if (due) return WaitResult::interrupted;
    // No time limit without need: a sleep with a timer costs a fifth more.
    Deadline nap = until;
    if (want.certain && want.rouse == nullptr) nap = earlier(nap, Deadline::after(kHeartbeatNs));
    if (seen.finding != Finding::nothing && seen.signature != watch.settled) {
      nap = earlier(nap, watch.grace);
    }
    const WaitResult result = what.sleep(what.self, nap);
    deadlock::end_wait();
    if (result != WaitResult::timed_out || until.has_passed()) return result;
  }
}

// Straight-line code, by design: see python.hpp.
Waited sleep_until(const Waitable& what, Deadline deadline, std::int64_t since_ns) {
  const bool polls = is_main_thread();
  const bool watched = what.want != nullptr && deadline.is_never();
  Watch watch;
  name_this_thread();
  for (std::int64_t now_ns = since_ns;; now_ns = monotonic_ns()) {
    const Deadline poll = Deadline::at(now_ns + kSignalPollNs);
    const Deadline slice = polls ? earlier(deadline, poll) : deadline;
    bool due = false;
    PyThreadState* state = release_gil();
    os::wake_deferred();  // now that the GIL is free, they can go on at once
    const WaitResult result =
        watched ? sleep_watched(what, slice, watch, due) : what.sleep(what.self, slice);
    take_gil(state);
    if (due) {
      switch (report_own_deadlock(watch.settled)) {
        case Reported::gives_up:
          return Waited::deadlock;
        case Reported::goes_on:
          break;
        case Reported::dissolved:
          watch.settled = 0;
      }
    }
    if (result == WaitResult::acquired) return Waited::acquired;
    if (PyErr_CheckSignals() != 0) return Waited::error;
    if (result == WaitResult::timed_out && deadline.has_passed()) return Waited::timed_out;
  }
}

}  // namespace

bool is_main_thread() {
  // Two system calls, once for each thread and fork.
  thread_local std::uint32_t generation = ~std::uint32_t{0};
  thread_local bool is_main = false;
  if (generation != os::fork_generation()) {
    generation = os::fork_generation();
    is_main = syscall(SYS_gettid) == getpid();
  }
  return is_main;
}

Waited wait_for(const Waitable& what, Deadline deadline) {
  const std::int64_t since_ns = what.stats->begin();
  const Waited waited = sleep_until(what, deadline, since_ns);
  const std::uint64_t waited_ns = what.stats->end(since_ns);
  if (what.shared_totals != nullptr) what.shared_totals->add(waited_ns);
  return waited;
}

}  // namespace nativeconc::seam
