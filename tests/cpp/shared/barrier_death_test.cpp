// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Meeting points between processes, some of which die, stop, or fork.
#include <gtest/gtest.h>

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
using testing::leave;
using testing::pass;
using testing::start_child;
using testing::wait;
using Outcome = Barrier::Outcome;
using Role = Barrier::Role;
using Leaving = Barrier::Leaving;

struct OfParties : testing::Shared<Barrier> {
  explicit OfParties(std::uint32_t parties) { (*this)->set_parties(parties); }
};

void expect_mendable(Barrier& barrier, std::uint32_t parties) {
  EXPECT_TRUE(barrier.is_broken());
  EXPECT_EQ(arrive(barrier).role, Role::broken);
  testing::reset(barrier);
  EXPECT_FALSE(barrier.is_broken());
  testing::run_threads(static_cast<int>(parties), [&](int) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(pass(barrier).outcome, Outcome::tripped);
  });
}

TEST(SharedBarrier, OneThatDiesWhileItWaitsBreaksItForAllWhoWait) {
  const OfParties barrier(4);
  std::vector<pid_t> waiters;
  for (int i = 0; i < 2; ++i) {
    waiters.push_back(start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); }));
  }
  const pid_t doomed = start_child([&] { pass(*barrier); });
  testing::wait_for_waiting(*barrier, 3);
  EXPECT_FALSE(barrier->is_broken());
  testing::kill_child(doomed);
  EXPECT_TRUE(barrier->is_broken());
  for (const pid_t waiter : waiters) testing::join_child(waiter);
  expect_mendable(*barrier, 4);
}

TEST(SharedBarrier, WhoComesAfterADeathIsTold) {
  const OfParties barrier(2);
  testing::in_child([&] { EXPECT_EQ(arrive(*barrier).role, Role::waits); });
  EXPECT_EQ(barrier->waiting(), 0U);
  EXPECT_EQ(arrive(*barrier).role, Role::broken);
  expect_mendable(*barrier, 2);
}

TEST(SharedBarrier, ALastOneThatDiesInItsActionBreaksItsRoundAndTheNext) {
  const OfParties barrier(2);
  testing::Shared<std::atomic<bool>> acts;
  const pid_t first = start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); });
  testing::wait_for_waiting(*barrier, 1);
  const pid_t last = start_child([&] {
    pass(*barrier, Deadline::never(), [&] {
      *acts = true;
      for (;;) pause();
      return Outcome::tripped;
    });
  });
  testing::wait_until([&] { return acts->load(); });
  const pid_t next = start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); });
  testing::wait_for_waiting(*barrier, 1);
  testing::kill_child(last);
  testing::join_child(first);
  testing::join_child(next);
  expect_mendable(*barrier, 2);
}

TEST(SharedBarrier, OneThatDiesWhileTheLastOneIsBusyBreaksTheRoundForTheLastOneToo) {
  const OfParties barrier(2);
  testing::in_child([&] { EXPECT_EQ(arrive(*barrier).role, Role::waits); });
  testing::reset(*barrier);
  const pid_t doomed = start_child([&] { pass(*barrier); });
  testing::wait_for_waiting(*barrier, 1);
  const Barrier::Arrival last = arrive(*barrier);
  ASSERT_EQ(last.role, Role::last);
  testing::kill_child(doomed);
  EXPECT_EQ(finish(*barrier, last, Outcome::tripped), Outcome::broken);
  expect_mendable(*barrier, 2);
}

TEST(SharedBarrier, OneThatDiesAfterItsRoundHasTrippedBreaksNothing) {
  const OfParties barrier(2);
  testing::Shared<std::atomic<bool>> has_arrived;
  const pid_t slow = start_child([&] {
    EXPECT_EQ(arrive(*barrier).role, Role::waits);
    *has_arrived = true;
    for (;;) pause();
  });
  testing::wait_until([&] { return has_arrived->load(); });
  EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped);
  testing::kill_child(slow);
  EXPECT_FALSE(barrier->is_broken());
  const pid_t other = start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped); });
  EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped);
  testing::join_child(other);
}

TEST(SharedBarrier, AResetForgetsThoseWhoHaveDied) {
  const OfParties barrier(3);
  testing::in_child([&] { EXPECT_EQ(arrive(*barrier).role, Role::waits); });
  EXPECT_TRUE(barrier->is_broken());
  testing::reset(*barrier);
  EXPECT_FALSE(barrier->is_broken());
  testing::run_threads(3, [&](int) { EXPECT_EQ(pass(*barrier).outcome, Outcome::tripped); });
}

TEST(SharedBarrier, PlacesOfTheDeadAreUsedAgain) {
  const OfParties barrier(2);
  for (int i = 0; i < 20; ++i) {
    testing::in_child([&] { EXPECT_EQ(arrive(*barrier).place.index, 0U); });
    testing::reset(*barrier);
  }
}

TEST(SharedBarrier, ToAbandonAPlaceIsToDieAsFarAsTheOthersKnow) {
  const OfParties barrier(2);
  const pid_t first = start_child([&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); });
  testing::wait_for_waiting(*barrier, 1);
  const Barrier::Arrival last = arrive(*barrier);
  ASSERT_EQ(last.role, Role::last);
  barrier->abandon(this_thread_number(), last.place);
  testing::join_child(first);
  expect_mendable(*barrier, 2);
}

TEST(SharedBarrier, AForkedChildHasNotArrived) {
  const OfParties barrier(2);
  const Barrier::Arrival first = arrive(*barrier);
  const Barrier::Arrival last = arrive(*barrier);
  testing::in_child([&] {
    EXPECT_EQ(wait(*barrier, first), WaitResult::acquired);
    EXPECT_EQ(leave(*barrier, first), Outcome::broken);
    EXPECT_EQ(finish(*barrier, last, Outcome::tripped), Outcome::broken);
    barrier->abandon(this_thread_number(), last.place);
  });
  EXPECT_EQ(finish(*barrier, last, Outcome::tripped), Outcome::tripped);
  EXPECT_EQ(leave(*barrier, first), Outcome::tripped);
  EXPECT_FALSE(barrier->is_broken());
}

// Parties are killed at random. The rest are told, mend the barrier and meet again.
TEST(SharedBarrier, PartiesThatAreKilledAtRandomInstantsHoldNobodyUp) {
  constexpr std::uint32_t kParties = 3;
  const OfParties barrier(kParties);
  testing::Shared<std::atomic<std::uint64_t>> rounds;
  std::minstd_rand random(1);
  const auto meet_for_ever = [&] {
    for (;;) {
      const testing::Passed passed = pass(*barrier);
      if (passed.outcome == Outcome::tripped) {
        ++*rounds;
      } else {
        testing::reset(*barrier);
      }
    }
  };
  std::vector<pid_t> parties;
  for (std::uint32_t i = 0; i < kParties; ++i) parties.push_back(start_child(meet_for_ever));
  for (int i = 0; i < 10 * testing::kScale; ++i) {
    const std::uint64_t before = *rounds;
    testing::wait_until([&] { return *rounds > before + kParties; });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    testing::kill_child(parties[i % kParties]);
    parties[i % kParties] = start_child(meet_for_ever);
  }
  for (const pid_t party : parties) testing::kill_child(party);
  testing::reset(*barrier);
  EXPECT_EQ(barrier->waiting(), 0U);
  EXPECT_FALSE(barrier->is_broken());
}

}  // namespace
}  // namespace nativeconc::shared
