// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Meeting points between processes: what they have in common with those of threads.
#include "nativeconc/shared/barrier.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "barrier_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::arrive;
using testing::finish;
using testing::kScale;
using testing::leave;
using testing::pass;
using testing::Passed;
using testing::run_threads;
using testing::wait;
using Outcome = Barrier::Outcome;
using Role = Barrier::Role;
using Leaving = Barrier::Leaving;

struct OfParties : testing::Shared<Barrier> {
  explicit OfParties(std::uint32_t parties) { (*this)->set_parties(parties); }
};

TEST(SharedBarrier, OfOnePartyHoldsNobodyUp) {
  const OfParties barrier(1);
  for (int i = 0; i < 3; ++i) {
    const Passed passed = pass(*barrier, Deadline::expired());
    EXPECT_EQ(passed.outcome, Outcome::tripped);
    EXPECT_EQ(passed.role, Role::last);
    EXPECT_EQ(passed.index, 0U);
  }
}

// The cells are plain: with TSan, this also proves that a round orders memory.
TEST(SharedBarrier, NobodyGoesOnBeforeEverybodyHasCome) {
  constexpr std::uint32_t kParties = 4;
  const OfParties barrier(kParties);
  const int rounds = 100 * kScale;
  std::vector<int> cell(kParties, 0);
  int actions = 0;
  std::vector<std::atomic<std::uint32_t>> indices(static_cast<std::size_t>(rounds));
  run_threads(kParties, [&](int me) {
    for (int round = 0; round < rounds; ++round) {
      cell[static_cast<std::size_t>(me)] = round;
      const Passed passed = pass(*barrier, Deadline::never(), [&] {
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
      ASSERT_EQ(pass(*barrier).outcome, Outcome::tripped);  // before the next one writes
    }
  });
  EXPECT_EQ(actions, rounds);
  for (const auto& seen : indices) EXPECT_EQ(seen, (1U << kParties) - 1);
  EXPECT_EQ(barrier->waiting(), 0U);
}

TEST(SharedBarrier, ProcessesMeetManyTimes) {
  constexpr std::uint32_t kParties = 4;
  const OfParties barrier(kParties);
  testing::Shared<std::array<std::atomic<int>, kParties>> at;
  std::vector<pid_t> children;
  for (std::uint32_t me = 0; me < kParties; ++me) {
    children.push_back(testing::start_child([&] {
      for (int round = 1; round <= 20 * kScale; ++round) {
        (*at)[me] = round;
        ASSERT_EQ(pass(*barrier).outcome, Outcome::tripped);
        for (const std::atomic<int>& other : *at) ASSERT_GE(other, round);
      }
    }));
  }
  for (const pid_t child : children) testing::join_child(child);
  EXPECT_EQ(barrier->waiting(), 0U);
  EXPECT_FALSE(barrier->is_broken());
}

TEST(SharedBarrier, AWaitThatTimesOutBreaksItForEverybody) {
  const OfParties barrier(3);
  for (const std::int64_t timeout : {1'000'000, 50'000'000}) {
    const pid_t other =
        testing::start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); });
    testing::wait_for_waiting(*barrier, 1);
    const std::int64_t start = monotonic_ns();
    EXPECT_EQ(pass(*barrier, Deadline::after(timeout)).outcome, Outcome::open) << "its own timeout";
    EXPECT_GE(monotonic_ns() - start, timeout);
    testing::join_child(other);
    EXPECT_TRUE(barrier->is_broken());
    EXPECT_EQ(pass(*barrier).role, Role::broken);
    EXPECT_EQ(barrier->waiting(), 0U);
    testing::reset(*barrier);
    EXPECT_FALSE(barrier->is_broken());
  }
}

TEST(SharedBarrier, AbortBreaksItAndResetMendsIt) {
  const OfParties barrier(2);
  for (const bool by_reset : {false, true}) {
    const pid_t other =
        testing::start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); });
    testing::wait_for_waiting(*barrier, 1);
    by_reset ? testing::reset(*barrier) : testing::abort(*barrier);
    EXPECT_EQ(barrier->is_broken(), !by_reset);
    EXPECT_EQ(barrier->waiting(), 0U);
    testing::join_child(other);
    testing::reset(*barrier);
  }
  const pid_t other =
      testing::start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped); });
  EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped);
  testing::join_child(other);
}

TEST(SharedBarrier, AThreadThatIsSlowToWakeHasTheOutcomeOfItsOwnRound) {
  const OfParties barrier(2);
  const Barrier::Arrival first = arrive(*barrier);
  ASSERT_EQ(first.role, Role::waits);
  const Barrier::Arrival last = arrive(*barrier);
  ASSERT_EQ(last.role, Role::last);
  EXPECT_EQ(finish(*barrier, last, Outcome::tripped), Outcome::tripped);
  testing::abort(*barrier);
  EXPECT_EQ(arrive(*barrier).role, Role::broken);
  EXPECT_EQ(wait(*barrier, first), WaitResult::acquired);
  EXPECT_EQ(leave(*barrier, first), Outcome::tripped);
}

TEST(SharedBarrier, ThoseWhoComeWhileTheLastOneIsBusyBelongToTheNextRound) {
  const OfParties barrier(2);
  const Barrier::Arrival first = arrive(*barrier);
  const Barrier::Arrival last = arrive(*barrier);
  EXPECT_EQ(barrier->waiting(), 0U);
  const Barrier::Arrival next = arrive(*barrier);
  EXPECT_EQ(next.role, Role::waits);
  EXPECT_EQ(next.index, 0U);
  EXPECT_EQ(barrier->waiting(), 1U);
  EXPECT_EQ(wait(*barrier, first, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(finish(*barrier, last, Outcome::tripped), Outcome::tripped);
  EXPECT_EQ(leave(*barrier, first, Leaving::give_up), Outcome::tripped);
  EXPECT_FALSE(barrier->is_broken());
  EXPECT_EQ(leave(*barrier, next), Outcome::open);
}

TEST(SharedBarrier, AnActionThatFailsBreaksItsRoundAndTheOneThatGathers) {
  const OfParties barrier(2);
  const Barrier::Arrival first = arrive(*barrier);
  const Barrier::Arrival last = arrive(*barrier);
  const Barrier::Arrival next = arrive(*barrier);
  EXPECT_EQ(finish(*barrier, last, Outcome::broken), Outcome::broken);
  EXPECT_EQ(leave(*barrier, first), Outcome::broken);
  EXPECT_EQ(leave(*barrier, next), Outcome::broken);
  EXPECT_TRUE(barrier->is_broken());
  EXPECT_EQ(arrive(*barrier).role, Role::broken);
}

TEST(SharedBarrier, WhoGoesAwayIsNotCountedAndBreaksNothing) {
  const OfParties barrier(2);
  const Barrier::Arrival gone = arrive(*barrier);
  EXPECT_EQ(leave(*barrier, gone), Outcome::open);
  EXPECT_EQ(barrier->waiting(), 0U);
  const Barrier::Arrival first = arrive(*barrier);
  EXPECT_EQ(first.role, Role::waits);
  const Barrier::Arrival last = arrive(*barrier);
  EXPECT_EQ(last.role, Role::last);
  EXPECT_EQ(leave(*barrier, first), Outcome::open) << "from a round that is complete";
  EXPECT_FALSE(barrier->is_broken());
  EXPECT_EQ(finish(*barrier, last, Outcome::tripped), Outcome::tripped);
  EXPECT_FALSE(barrier->is_broken());
}

// Else this thread alone would be told that the barrier is broken.
TEST(SharedBarrier, WhoseTimeIsUpJustWhenTheLastOneHasComeGoesOnWithTheOthers) {
  for (const Outcome ends : {Outcome::tripped, Outcome::broken}) {
    const OfParties barrier(2);
    const Barrier::Arrival first = arrive(*barrier);
    EXPECT_EQ(wait(*barrier, first, Deadline::expired()), WaitResult::timed_out);
    const Barrier::Arrival last = arrive(*barrier);
    EXPECT_EQ(leave(*barrier, first, Leaving::give_up), Outcome::complete);
    EXPECT_FALSE(barrier->is_broken());
    EXPECT_EQ(finish(*barrier, last, ends), ends);
    EXPECT_EQ(wait(*barrier, first), WaitResult::acquired);
    EXPECT_EQ(leave(*barrier, first), ends);
  }
}

TEST(SharedBarrier, SaysWhenThereIsNoRoom) {
  const OfParties barrier(2);
  std::vector<Barrier::Arrival> slow;  // to leave
  while (slow.size() + 1 < Barrier::kMostParties) {
    slow.push_back(arrive(*barrier));
    ASSERT_EQ(slow.back().role, Role::waits);
    ASSERT_EQ(finish(*barrier, arrive(*barrier), Outcome::tripped), Outcome::tripped);
  }
  slow.push_back(arrive(*barrier));
  EXPECT_EQ(arrive(*barrier).role, Role::no_room);
  EXPECT_EQ(leave(*barrier, slow.front()), Outcome::tripped);
  EXPECT_EQ(arrive(*barrier).role, Role::last);
}

TEST(SharedBarrier, AnInterruptedWaitGoesOn) {
  const testing::Nudge nudge;
  const OfParties barrier(2);
  std::atomic<int> interruptions{0};
  std::thread other([&] {
    const Barrier::Arrival arrival = arrive(*barrier);
    WaitResult result = WaitResult::interrupted;
    while (result == WaitResult::interrupted) {
      result = wait(*barrier, arrival);
      if (result == WaitResult::interrupted) ++interruptions;
    }
    EXPECT_EQ(result, WaitResult::acquired);
    EXPECT_EQ(leave(*barrier, arrival), Outcome::tripped);
  });
  testing::wait_for_waiting(*barrier, 1);
  while (interruptions < 3) {
    nudge(other);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(barrier->waiting(), 1U);
  EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped);
  other.join();
}

// Timeouts, aborts, resets and failing actions at random: nobody is left behind, and of a round
// that was completed either all parties go on or none.
TEST(SharedBarrier, RandomSchedulesLeaveNobodyBehind) {
  constexpr int kParties = 3;
  const OfParties barrier(kParties);
  std::atomic<int> at_work{5};
  std::atomic<std::int64_t> tripped_actions{0};
  std::atomic<std::int64_t> went_on{0};
  std::thread meddler([&] {
    std::mt19937 random(99);
    while (at_work > 0) {
      switch (random() % 8) {
        case 0:
          testing::abort(*barrier);
          break;
        case 1:
        case 2:
          testing::reset(*barrier);
          break;
        default:
          std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
      }
    }
    // The rest may be too few for a round of their own; nobody must wait for ever.
    testing::abort(*barrier);
  });
  run_threads(5, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 300 * kScale || tripped_actions == 0; ++i) {
      const Deadline deadline =
          random() % 3 == 0 ? Deadline::after(random() % 100'000) : Deadline::after(1'000'000);
      bool trips = false;
      const Passed passed = pass(*barrier, deadline, [&] {
        trips = random() % 8 != 0;
        if (random() % 4 == 0) std::this_thread::yield();
        return trips ? Outcome::tripped : Outcome::broken;
      });
      if (passed.role == Role::last && passed.outcome == Outcome::tripped) ++tripped_actions;
      if (passed.outcome == Outcome::tripped) ++went_on;
      if (passed.role == Role::broken) std::this_thread::yield();
    }
    --at_work;
  });
  meddler.join();
  EXPECT_GT(tripped_actions, 0);
  EXPECT_EQ(went_on, tripped_actions * kParties);
  EXPECT_EQ(barrier->waiting(), 0U);
  EXPECT_TRUE(barrier->is_broken());
}

}  // namespace
}  // namespace nativeconc::shared
