// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/barrier.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <vector>

#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::kScale;
using testing::run_in_child;
using testing::run_threads;
using Outcome = Barrier::Outcome;
using Role = Barrier::Role;
using Leaving = Barrier::Leaving;

struct Passed {
  Outcome outcome = Outcome::broken;
  Role role = Role::broken;
  std::uint32_t index = 0;
};

// As the seam does it; `action` runs in the last thread that arrives and says how the round ends.
template <class Action>
Passed pass(Barrier& barrier, Deadline deadline, Action action) {
  const Barrier::Arrival arrival = barrier.arrive();
  Passed passed{Outcome::broken, arrival.role, arrival.index};
  if (arrival.role == Role::last) {
    passed.outcome = action();
    barrier.finish(arrival.round, passed.outcome);
  } else if (arrival.role == Role::waits) {
    for (;;) {
      const WaitResult result = barrier.wait(*arrival.round, deadline);
      if (result == WaitResult::interrupted) continue;
      const Leaving how = result == WaitResult::acquired ? Leaving::go : Leaving::give_up;
      passed.outcome = barrier.leave(arrival.round, how);
      if (passed.outcome != Outcome::complete) break;
      deadline = Deadline::never();
    }
  }
  return passed;
}

Passed pass(Barrier& barrier, Deadline deadline = Deadline::never()) {
  return pass(barrier, deadline, [] { return Outcome::tripped; });
}

TEST(Barrier, OfOnePartyHoldsNobodyUp) {
  Barrier barrier(1);
  for (int i = 0; i < 3; ++i) {
    const Passed passed = pass(barrier, Deadline::expired());
    EXPECT_EQ(passed.outcome, Outcome::tripped);
    EXPECT_EQ(passed.role, Role::last);
    EXPECT_EQ(passed.index, 0U);
  }
}

// The cells are plain: with TSan, this also proves that a round orders memory.
TEST(Barrier, NobodyGoesOnBeforeEverybodyHasCome) {
  constexpr std::uint32_t kParties = 4;
  Barrier barrier(kParties);
  const int rounds = 300 * kScale;
  std::vector<int> cell(kParties, 0);
  int actions = 0;
  std::vector<std::atomic<std::uint32_t>> indices(static_cast<std::size_t>(rounds));
  run_threads(kParties, [&](int me) {
    for (int round = 0; round < rounds; ++round) {
      cell[static_cast<std::size_t>(me)] = round;
      const Passed passed = pass(barrier, Deadline::never(), [&] {
        ++actions;
        return Outcome::tripped;
      });
      ASSERT_EQ(passed.outcome, Outcome::tripped);
      ASSERT_EQ(passed.role == Role::last, passed.index == kParties - 1);
      ASSERT_EQ(
          indices[static_cast<std::size_t>(round)].fetch_or(1U << passed.index) >> passed.index &
              1U,
          0U)
          << "an index twice in a round";
      for (const int value : cell) ASSERT_EQ(value, round);
      ASSERT_EQ(actions, round + 1);
      ASSERT_EQ(pass(barrier).outcome, Outcome::tripped);  // before the next one writes
    }
  });
  EXPECT_EQ(actions, rounds);
  for (const auto& seen : indices) EXPECT_EQ(seen, (1U << kParties) - 1);
  EXPECT_EQ(barrier.waiting(), 0U);
}

TEST(Barrier, SaysHowManyWait) {
  Barrier barrier(3);
  EXPECT_EQ(barrier.parties(), 3U);
  EXPECT_EQ(barrier.waiting(), 0U);
  std::thread other([&] { EXPECT_EQ(pass(barrier).outcome, Outcome::tripped); });
  testing::wait_until([&] { return barrier.waiting() == 1; });
  std::thread third([&] { EXPECT_EQ(pass(barrier).outcome, Outcome::tripped); });
  testing::wait_until([&] { return barrier.waiting() == 2; });
  EXPECT_EQ(pass(barrier).index, 2U);
  EXPECT_EQ(barrier.waiting(), 0U);
  other.join();
  third.join();
}

TEST(Barrier, AWaitThatTimesOutBreaksItForEverybody) {
  Barrier barrier(3);
  std::thread other([&] { EXPECT_EQ(pass(barrier).outcome, Outcome::broken); });
  testing::wait_until([&] { return barrier.waiting() == 1; });
  EXPECT_EQ(pass(barrier, Deadline::after(5'000'000)).outcome, Outcome::open) << "its own timeout";
  other.join();
  EXPECT_TRUE(barrier.is_broken());
  EXPECT_EQ(pass(barrier).role, Role::broken);
  EXPECT_EQ(barrier.waiting(), 0U);
  barrier.reset();
  EXPECT_FALSE(barrier.is_broken());
  EXPECT_EQ(pass(barrier, Deadline::expired()).outcome, Outcome::open);
}

TEST(Barrier, AbortBreaksItAndResetMendsIt) {
  Barrier barrier(2);
  for (const bool by_reset : {false, true}) {
    std::thread other([&] { EXPECT_EQ(pass(barrier).outcome, Outcome::broken); });
    testing::wait_until([&] { return barrier.waiting() == 1; });
    by_reset ? barrier.reset() : barrier.abort();
    EXPECT_EQ(barrier.is_broken(), !by_reset);
    EXPECT_EQ(barrier.waiting(), 0U);
    other.join();
    barrier.reset();
  }
  std::thread other([&] { EXPECT_EQ(pass(barrier).outcome, Outcome::tripped); });
  EXPECT_EQ(pass(barrier).outcome, Outcome::tripped);
  other.join();
}

TEST(Barrier, AThreadThatIsSlowToWakeHasTheOutcomeOfItsOwnRound) {
  Barrier barrier(2);
  const Barrier::Arrival first = barrier.arrive();
  ASSERT_EQ(first.role, Role::waits);
  const Barrier::Arrival last = barrier.arrive();
  ASSERT_EQ(last.role, Role::last);
  barrier.finish(last.round, Outcome::tripped);
  barrier.abort();
  const Barrier::Arrival refused = barrier.arrive();
  EXPECT_EQ(refused.role, Role::broken);
  EXPECT_EQ(barrier.wait(*first.round, Deadline::never()), WaitResult::acquired);
  EXPECT_EQ(barrier.leave(first.round, Leaving::go), Outcome::tripped);
}

TEST(Barrier, ThoseWhoComeWhileTheLastOneIsBusyBelongToTheNextRound) {
  Barrier barrier(2);
  const Barrier::Arrival first = barrier.arrive();
  const Barrier::Arrival last = barrier.arrive();
  EXPECT_EQ(barrier.waiting(), 0U);
  const Barrier::Arrival next = barrier.arrive();
  EXPECT_EQ(next.role, Role::waits);
  EXPECT_EQ(next.index, 0U);
  EXPECT_NE(next.round, first.round);
  EXPECT_EQ(barrier.waiting(), 1U);
  EXPECT_EQ(barrier.wait(*first.round, Deadline::expired()), WaitResult::timed_out);
  barrier.finish(last.round, Outcome::tripped);
  EXPECT_EQ(barrier.leave(first.round, Leaving::give_up), Outcome::tripped);
  EXPECT_FALSE(barrier.is_broken());
  EXPECT_EQ(barrier.leave(next.round, Leaving::go), Outcome::open);
}

TEST(Barrier, AnActionThatFailsBreaksItsRoundAndTheOneThatGathers) {
  Barrier barrier(2);
  const Barrier::Arrival first = barrier.arrive();
  const Barrier::Arrival last = barrier.arrive();
  const Barrier::Arrival next = barrier.arrive();
  barrier.finish(last.round, Outcome::broken);
  EXPECT_EQ(barrier.leave(first.round, Leaving::go), Outcome::broken);
  EXPECT_EQ(barrier.leave(next.round, Leaving::go), Outcome::broken);
  EXPECT_TRUE(barrier.is_broken());
  EXPECT_EQ(barrier.arrive().role, Role::broken);
}

TEST(Barrier, WhoGoesAwayFromAnOpenRoundIsNotCounted) {
  Barrier barrier(2);
  const Barrier::Arrival gone = barrier.arrive();
  EXPECT_EQ(barrier.leave(gone.round, Leaving::go), Outcome::open);
  EXPECT_EQ(barrier.waiting(), 0U);
  EXPECT_FALSE(barrier.is_broken());
  const Barrier::Arrival first = barrier.arrive();
  EXPECT_EQ(first.role, Role::waits);
  const Barrier::Arrival last = barrier.arrive();
  EXPECT_EQ(last.role, Role::last);
  barrier.finish(last.round, Outcome::tripped);
  EXPECT_EQ(barrier.leave(first.round, Leaving::go), Outcome::tripped);
}

TEST(Barrier, GoesAwayFromARoundThatIsCompleteWithoutBreakingIt) {
  Barrier barrier(2);
  const Barrier::Arrival first = barrier.arrive();
  const Barrier::Arrival last = barrier.arrive();
  EXPECT_EQ(barrier.leave(first.round, Leaving::go), Outcome::open);
  EXPECT_FALSE(barrier.is_broken());
  barrier.finish(last.round, Outcome::tripped);
  EXPECT_FALSE(barrier.is_broken());
}

// Else this thread alone would be told that the barrier is broken.
TEST(Barrier, WhoseTimeIsUpJustWhenTheLastOneHasComeGoesOnWithTheOthers) {
  for (const Outcome ends : {Outcome::tripped, Outcome::broken}) {
    Barrier barrier(2);
    const Barrier::Arrival first = barrier.arrive();
    EXPECT_EQ(barrier.wait(*first.round, Deadline::expired()), WaitResult::timed_out);
    const Barrier::Arrival last = barrier.arrive();
    EXPECT_EQ(barrier.leave(first.round, Leaving::give_up), Outcome::complete);
    EXPECT_FALSE(barrier.is_broken());
    barrier.finish(last.round, ends);
    EXPECT_EQ(barrier.wait(*first.round, Deadline::never()), WaitResult::acquired);
    EXPECT_EQ(barrier.leave(first.round, Leaving::go), ends);
  }
}

TEST(Barrier, CanBeMadeAnewForOtherParties) {
  Barrier barrier(2);
  const Barrier::Arrival first = barrier.arrive();
  barrier.reinit(1);
  EXPECT_EQ(barrier.leave(first.round, Leaving::go), Outcome::broken);
  EXPECT_EQ(barrier.parties(), 1U);
  EXPECT_EQ(pass(barrier).role, Role::last);
}

TEST(Barrier, AnInterruptedWaitGoesOn) {
  const testing::Nudge nudge;
  Barrier barrier(2);
  std::atomic<int> interruptions{0};
  std::thread other([&] {
    const Barrier::Arrival arrival = barrier.arrive();
    WaitResult result = WaitResult::interrupted;
    while (result == WaitResult::interrupted) {
      result = barrier.wait(*arrival.round, Deadline::never());
      if (result == WaitResult::interrupted) ++interruptions;
    }
    EXPECT_EQ(result, WaitResult::acquired);
    EXPECT_EQ(barrier.leave(arrival.round, Leaving::go), Outcome::tripped);
  });
  testing::wait_until([&] { return barrier.waiting() == 1; });
  while (interruptions < 3) {
    nudge(other);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(barrier.waiting(), 1U);
  EXPECT_EQ(pass(barrier).outcome, Outcome::tripped);
  other.join();
}

// Timeouts, aborts, resets and failing actions at random: nobody is left behind, and of a round
// that was completed either all parties go on or none.
TEST(Barrier, RandomSchedulesLeaveNobodyBehind) {
  constexpr int kParties = 3;
  Barrier barrier(kParties);
  std::atomic<int> at_work{5};
  std::atomic<std::int64_t> tripped_actions{0};
  std::atomic<std::int64_t> went_on{0};
  std::atomic<std::int64_t> timed_out{0};
  std::thread meddler([&] {
    std::mt19937 random(99);
    while (at_work > 0) {
      switch (random() % 8) {
        case 0:
          barrier.abort();
          break;
        case 1:
        case 2:
          barrier.reset();
          break;
        default:
          std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
      }
    }
    // The rest may be too few for a round of their own; nobody must wait for ever.
    barrier.abort();
  });
  run_threads(5, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 1000 * kScale || tripped_actions == 0; ++i) {
      const Deadline deadline =
          random() % 3 == 0 ? Deadline::after(random() % 100'000) : Deadline::after(1'000'000);
      const Passed passed = pass(barrier, deadline, [&] {
        if (random() % 8 == 0) return Outcome::broken;
        ++tripped_actions;
        if (random() % 4 == 0) std::this_thread::yield();
        return Outcome::tripped;
      });
      if (passed.outcome == Outcome::tripped) ++went_on;
      if (passed.outcome == Outcome::open) ++timed_out;
      if (passed.role == Role::broken) std::this_thread::yield();
    }
    --at_work;
  });
  meddler.join();
  EXPECT_GT(tripped_actions, 0);
  EXPECT_EQ(went_on, tripped_actions * kParties);
  EXPECT_EQ(barrier.waiting(), 0U);
  EXPECT_TRUE(barrier.is_broken());
}

TEST(Barrier, AForkedChildForgetsThoseOfItsParentWhoHadArrived) {
  Barrier barrier(3);
  std::thread others[2];
  for (std::thread& other : others) {
    other = std::thread([&] { EXPECT_EQ(pass(barrier).outcome, Outcome::tripped); });
  }
  testing::wait_until([&] { return barrier.waiting() == 2; });
  EXPECT_EQ(run_in_child([&barrier] {
              if (barrier.waiting() != 0 || barrier.is_broken()) return 1;
              if (pass(barrier, Deadline::after(1'000'000)).outcome != Outcome::open) return 2;
              if (!barrier.is_broken()) return 3;
              barrier.reset();
              if (!testing::kThreadsAfterFork) return 7;
              std::atomic<int> tripped{0};
              run_threads(3, [&](int) {
                for (int i = 0; i < 100; ++i) {
                  if (pass(barrier).outcome == Outcome::tripped) ++tripped;
                }
              });
              return tripped == 300 ? 7 : 4;
            }),
            7);
  EXPECT_EQ(pass(barrier).outcome, Outcome::tripped);
  for (std::thread& other : others) other.join();
}

// As when a signal handler forks in the middle of a wait: the child's wait is over, and broken.
TEST(Barrier, TheForkingThreadDoesNotWaitInTheChildForThoseOfTheParent) {
  Barrier barrier(2);
  const Barrier::Arrival mine = barrier.arrive();
  EXPECT_EQ(run_in_child([&barrier, &mine] {
              if (barrier.wait(*mine.round, Deadline::never()) != WaitResult::acquired) return 1;
              if (barrier.leave(mine.round, Leaving::go) != Outcome::broken) return 2;
              const Barrier::Arrival again = barrier.arrive();
              return again.role == Role::waits && again.index == 0 ? 7 : 3;
            }),
            7);
  const Barrier::Arrival last = barrier.arrive();
  ASSERT_EQ(last.role, Role::last);
  EXPECT_EQ(run_in_child([&barrier, &last] {  // an action that forks
              barrier.finish(last.round, Outcome::tripped);
              return barrier.waiting() == 0 && barrier.arrive().role == Role::waits ? 7 : 1;
            }),
            7);
  barrier.finish(last.round, Outcome::tripped);
  EXPECT_EQ(barrier.leave(mine.round, Leaving::go), Outcome::tripped);
}

TEST(Barrier, AForkAtAnyMomentLeavesTheChildABarrierThatWorks) {
  Barrier barrier(2);
  std::atomic<bool> stop{false};
  std::thread busy[2];
  for (std::thread& thread : busy) {
    thread = std::thread([&] {
      while (!stop) static_cast<void>(pass(barrier, Deadline::after(100'000'000)));
    });
  }
  for (int i = 0; i < 20 * kScale; ++i) {
    ASSERT_EQ(run_in_child([&barrier] {
                if (barrier.waiting() != 0) return 1;
                barrier.reset();
                const Barrier::Arrival first = barrier.arrive();
                const Barrier::Arrival last = barrier.arrive();
                if (first.role != Role::waits || last.role != Role::last) return 2;
                barrier.finish(last.round, Outcome::tripped);
                return barrier.leave(first.round, Leaving::go) == Outcome::tripped ? 7 : 3;
              }),
              7);
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

}  // namespace
}  // namespace nativeconc::sync
