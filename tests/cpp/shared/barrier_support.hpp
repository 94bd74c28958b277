// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How to pass a shared barrier, as the seam does it.
#pragma once

#include <gtest/gtest.h>

#include "nativeconc/shared/barrier.hpp"
#include "processes.hpp"

namespace nativeconc::testing {

struct Passed {
  shared::Barrier::Outcome outcome = shared::Barrier::Outcome::broken;
  shared::Barrier::Role role = shared::Barrier::Role::broken;
  std::uint32_t index = 0;
};

inline shared::Barrier::Arrival arrive(shared::Barrier& barrier) {
  return barrier.arrive(shared::this_thread_number(), Deadline::never());
}
inline shared::Barrier::Outcome finish(shared::Barrier& barrier,
                                       const shared::Barrier::Arrival& last,
                                       shared::Barrier::Outcome outcome) {
  return barrier.finish(shared::this_thread_number(), last.place, outcome, Deadline::never());
}
inline WaitResult wait(shared::Barrier& barrier, const shared::Barrier::Arrival& arrival,
                       Deadline deadline = Deadline::never()) {
  return barrier.wait(shared::this_thread_number(), arrival.place, deadline);
}
inline shared::Barrier::Outcome leave(shared::Barrier& barrier,
                                      const shared::Barrier::Arrival& arrival,
                                      shared::Barrier::Leaving how = shared::Barrier::Leaving::go) {
  return barrier.leave(shared::this_thread_number(), arrival.place, how);
}
inline void abort(shared::Barrier& barrier) {
  EXPECT_EQ(barrier.abort(shared::this_thread_number(), Deadline::never()), WaitResult::acquired);
}
inline void reset(shared::Barrier& barrier) {
  EXPECT_EQ(barrier.reset(shared::this_thread_number(), Deadline::never()), WaitResult::acquired);
}

// `action` runs in the last thread that arrives and says how the round ends.
template <class Action>
Passed pass(shared::Barrier& barrier, Deadline deadline, Action action) {
  using shared::Barrier;
  const Barrier::Arrival arrival = arrive(barrier);
  Passed passed{Barrier::Outcome::broken, arrival.role, arrival.index};
  if (arrival.role == Barrier::Role::last) {
    passed.outcome = finish(barrier, arrival, action());
  } else if (arrival.role == Barrier::Role::waits) {
    for (;;) {
      const WaitResult result = wait(barrier, arrival, deadline);
      if (result == WaitResult::interrupted) continue;
      passed.outcome =
          leave(barrier, arrival,
                result == WaitResult::acquired ? Barrier::Leaving::go : Barrier::Leaving::give_up);
      if (passed.outcome != Barrier::Outcome::complete) break;
      deadline = Deadline::never();
    }
  }
  return passed;
}

inline Passed pass(shared::Barrier& barrier, Deadline deadline = Deadline::never()) {
  return pass(barrier, deadline, [] { return shared::Barrier::Outcome::tripped; });
}

inline void wait_for_waiting(shared::Barrier& barrier, std::uint32_t n) {
  wait_until([&] { return barrier.waiting() == n; });
}

}  // namespace nativeconc::testing
