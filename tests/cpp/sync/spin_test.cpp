// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/spin.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "nativeconc/os/deferred_wakes.hpp"
#include "nativeconc/sync/condition.hpp"
#include "nativeconc/sync/event.hpp"

namespace nativeconc::sync {
namespace {

constexpr auto kInVain = [] { return false; };

// How many of the next waits look at all.
int spins_among(SpinHabit& habit, int waits) {
  int spins = 0;
  for (int i = 0; i < waits; ++i) {
    int looks = 0;
    habit.spin([&] {
      ++looks;
      return false;
    });
    spins += looks > 1 ? 1 : 0;  // the first look is not a spin
  }
  return spins;
}

TEST(Spin, EndsAsSoonAsItIsOver) {
  int looks = 0;
  EXPECT_TRUE(spin([&] { return ++looks == 2; }));
  EXPECT_EQ(looks, 2);
}

TEST(Spin, GivesUpAfterAFewLooks) {
  int looks = 0;
  EXPECT_FALSE(spin([&] {
    ++looks;
    return false;
  }));
  EXPECT_GT(looks, 0);
  EXPECT_LT(looks, 20);
}

TEST(SpinHabit, SpinsLessAndLessOftenInVain) {
  SpinHabit habit;
  // After the spins in vain number 1, 2, 3, ... come 1, 3, 7, ... waits without one.
  EXPECT_EQ(spins_among(habit, 1 + 1), 1);
  EXPECT_EQ(spins_among(habit, 1 + 3), 1);
  EXPECT_EQ(spins_among(habit, 1 + 7), 1);
}

TEST(SpinHabit, NeverGivesUpForGood) {
  SpinHabit habit;
  spins_among(habit, 1000);
  EXPECT_GE(spins_among(habit, 64), 1);
}

TEST(SpinHabit, StartsAfreshOnceASpinWasWorthIt) {
  SpinHabit habit;
  spins_among(habit, 1000);
  int waits = 0;
  const auto over_soon = [&habit] {
    int looks = 0;
    return habit.spin([&looks] { return ++looks > 1; });
  };
  while (!over_soon()) ASSERT_LT(++waits, 64);
  EXPECT_TRUE(over_soon());
  EXPECT_FALSE(habit.spin(kInVain));
  EXPECT_EQ(spins_among(habit, 2), 1);  // the first goes without
}

TEST(SpinHabit, WhatIsOverAtTheFirstLookMakesNoHabit) {
  SpinHabit habit;
  spins_among(habit, 1000);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(habit.spin([] { return true; }));
  EXPECT_LE(spins_among(habit, 64), 1);
}

TEST(SpinHabit, IsSharedByManyThreads) {
  SpinHabit habit;
  std::atomic<int> won{0};
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      won += habit.spin([&] { return i % 3 == 0; }) ? 1 : 0;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_GT(won, 0);
}

TEST(EventSpin, SeesThatItHasBeenSet) {
  Event event;
  const std::uint64_t epoch = event.epoch();
  EXPECT_FALSE(event.spin(epoch));
  Event fresh;
  fresh.set();
  EXPECT_TRUE(fresh.spin(epoch));
  fresh.clear();
  EXPECT_TRUE(fresh.spin(epoch));  // set since, and cleared again
}

TEST(ConditionSpin, SeesThatItHasBeenNotified) {
  Condition condition;
  Condition::Waiter* waiter = condition.enter();
  condition.notify(1);
  EXPECT_TRUE(condition.spin(*waiter));
  EXPECT_TRUE(condition.leave(waiter));
}

TEST(ConditionSpin, AWaiterThatIsStillAwakeNeedsNoWakeUp) {
  Condition condition;
  Condition::Waiter* waiter = condition.enter();
  EXPECT_EQ(condition.notify(1, os::Wake::later), 1U);
  EXPECT_EQ(os::detail::wakes_owed, 0U);
  EXPECT_EQ(condition.wait(*waiter, Deadline::never()), WaitResult::acquired);
  EXPECT_TRUE(condition.leave(waiter));
}

TEST(ConditionSpin, AWaiterThatHasSleptIsWoken) {
  Condition condition;
  Condition::Waiter* waiter = condition.enter();
  EXPECT_EQ(condition.wait(*waiter, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(condition.notify(1, os::Wake::later), 1U);
  EXPECT_EQ(os::detail::wakes_owed, 1U);
  os::wake_deferred();
  EXPECT_EQ(condition.wait(*waiter, Deadline::never()), WaitResult::acquired);
  EXPECT_TRUE(condition.leave(waiter));
}

}  // namespace
}  // namespace nativeconc::sync
