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
#include "nativeconc/shared/wait_watch.hpp"
#include "shared_deadlock_report.hpp"
#include "thread_name.hpp"
#include "wait_notice.hpp"

namespace nativeconc::seam {
namespace {

using deadlock::Finding;
using deadlock::Glance;

// How soon a thread looks again that nobody rouses: when the owner ends, or when a deadlock is
// still there that another thread was to report.
constexpr std::int64_t kHeartbeatNs = 1'000'000'000;

// Other processes hear only of waits that last longer: to describe one takes microseconds, with the
// GIL, and most are over before anybody could want to know of them.
constexpr std::int64_t kUnannouncedNs = 5'000'000;

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

// What there is to report of a wait, which is still announced then.
enum class Due { nothing, deadlock, shared_deadlock };

// Announces it among the threads of this process, and looks; says when to do so again at least.
Due look_around(const Waitable& what, Watch& watch, Deadline* nap) {
  const deadlock::Want want = what.want(what.self);
  if (watch.call == 0) watch.call = deadlock::next_call();
  const Glance seen = deadlock::begin_wait(want, watch.call);
  if (is_due(seen, watch)) return Due::deadlock;
  // No time limit without need: a sleep with a timer costs a fifth more.
  if (want.certain && want.rouse == nullptr) *nap = earlier(*nap, Deadline::after(kHeartbeatNs));
  if (seen.finding != Finding::nothing && seen.signature != watch.settled) {
    *nap = earlier(*nap, watch.grace);
  }
  return Due::nothing;
}

// The same among the processes, where it is announced already.
Due look_at_board(const Waitable& what, shared::WaitWatch& board, Deadline* nap) {
  shared::Blockers blockers;
  board.begin_look();
  if (what.shared_want != nullptr) {
    blockers = what.shared_want(what.self).blockers;
  } else {
    deadlock::tell_blockers(
        [&blockers](std::uint32_t number, deadlock::Mode as) { blockers.add(number, as); });
  }
  const std::int64_t grace_ns = deadlock_settings().grace_ns.load(std::memory_order_relaxed);
  if (board.end_look(blockers, grace_ns)) return Due::shared_deadlock;
  *nap = earlier(*nap, board.nap());
  return Due::nothing;
}

// Sleeps until `until`, without the GIL.
WaitResult sleep_watched(const Waitable& what, Deadline until, Watch& watch,
                         shared::WaitWatch& board, Due* due) {
  for (;;) {
    Deadline nap = until;
    if (what.want != nullptr) *due = look_around(what, watch, &nap);
    if (*due == Due::nothing && board.is_up() && board.notice().takes_part) {
      *due = look_at_board(what, board, &nap);
      if (*due != Due::nothing && what.want != nullptr) deadlock::end_wait();
    }
    if (*due != Due::nothing) return WaitResult::interrupted;
    const WaitResult result = what.sleep(what.self, nap);
    if (what.want != nullptr) deadlock::end_wait();
    if (result != WaitResult::timed_out || until.has_passed()) return result;
  }
}

// Puts the wait on the board meanwhile, if it belongs there.
WaitResult sleep_slice(const Waitable& what, Deadline until, bool watched, Watch& watch,
                       shared::WaitWatch& board, Due* due) {
  const bool is_on_board = board.notice().is_described;
  if (is_on_board) board.begin();
  const WaitResult result =
      watched ? sleep_watched(what, until, watch, board, due) : what.sleep(what.self, until);
  if (is_on_board && *due != Due::shared_deadlock) board.end();
  return result;
}

// Whether the wait goes on.
bool report(Due due, Watch& watch, shared::WaitWatch& board) {
  const Reported reported =
      due == Due::deadlock ? report_own_deadlock(watch.settled) : report_shared_deadlock(board);
  if (due == Due::deadlock && reported == Reported::dissolved) watch.settled = 0;
  return reported != Reported::gives_up;
}

// Whether other processes are to hear of it.
bool belongs_on_board(const Waitable& what, bool watched) {
  return shared::has_board() && (what.shared_want != nullptr || watched);
}

// With the GIL, between two sleeps.
void describe_for_board(const Waitable& what, Deadline deadline, shared::WaitNotice& notice) {
  if (what.shared_want != nullptr) {
    describe_wait(notice, what.shared_want(what.self), !deadline.is_never());
  } else {
    describe_wait(notice, what.want(what.self));
  }
}

// Straight-line code, by design: see python.hpp.
Waited sleep_until(const Waitable& what, Deadline deadline, std::int64_t since_ns) {
  const bool polls = is_main_thread();
  Watch watch;
  shared::WaitWatch board;
  name_this_thread();
  const bool can_deadlock = what.want != nullptr || what.shared_want != nullptr;
  const bool watched = can_deadlock && deadline.is_never();
  bool is_unannounced = belongs_on_board(what, watched);
  std::uint32_t generation = os::fork_generation();
  for (std::int64_t now_ns = since_ns;; now_ns = monotonic_ns()) {
    Deadline slice = deadline;
    if (polls) slice = earlier(slice, Deadline::at(now_ns + kSignalPollNs));
    if (is_unannounced) slice = earlier(slice, Deadline::at(now_ns + kUnannouncedNs));
    Due due = Due::nothing;
    PyThreadState* state = release_gil();
    os::wake_deferred();  // now that the GIL is free, they can go on at once
    const WaitResult result = sleep_slice(what, slice, watched, watch, board, &due);
    take_gil(state);
    if (due != Due::nothing && !report(due, watch, board)) return Waited::deadlock;
    if (result == WaitResult::acquired) return Waited::acquired;
    if (PyErr_CheckSignals() != 0) return Waited::error;
    if (generation != os::fork_generation()) [[unlikely]] {
      generation = os::fork_generation();
      if (what.renew != nullptr && !what.renew(what.self)) return Waited::error;
    }
    if (result == WaitResult::timed_out && deadline.has_passed()) return Waited::timed_out;
    if (is_unannounced) describe_for_board(what, deadline, board.notice());
    is_unannounced = false;
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
