// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Waiters and notifiers of a shared condition that die between any two steps.
#include <atomic>
#include <thread>
#include <vector>

#include "every_fault.hpp"
#include "nativeconc/shared/condition.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;
using Waiter = Condition::Waiter;

Waiter enter(Condition& condition) {
  const Waiter waiter = condition.enter(this_thread_number());
  EXPECT_FALSE(waiter.is_none());
  return waiter;
}
WaitResult wait(Condition& condition, Waiter waiter, Deadline deadline = Deadline::never()) {
  return condition.wait(this_thread_number(), waiter, deadline);
}
bool leave(Condition& condition, const Waiter& waiter) {
  return condition.leave(this_thread_number(), waiter);
}

// Nobody waits, every place can be had, and a notify reaches who waits.
void expect_whole(Condition& condition) {
  EXPECT_EQ(condition.waiters(), 0U);
  std::vector<Waiter> waiters;
  for (std::uint32_t i = 0; i < kMostWaiters; ++i) waiters.push_back(enter(condition));
  EXPECT_TRUE(condition.enter(this_thread_number()).is_none());
  EXPECT_EQ(condition.notify(1), 1U);
  EXPECT_EQ(wait(condition, waiters[0]), WaitResult::acquired);
  EXPECT_EQ(condition.notify(kMostWaiters), kMostWaiters - 1);
  for (const Waiter& waiter : waiters) EXPECT_TRUE(leave(condition, waiter));
}

TEST(ConditionFaults, AWaiterThatDiesAnywhereTakesNoNotifyAndNoPlaceWithIt) {
  const int points = die_at_every_fault_point<Condition>(
      [](Condition& condition) {
        const Waiter waiter = enter(condition);
        EXPECT_EQ(wait(condition, waiter, Deadline::after(30'000'000)), WaitResult::timed_out);
        EXPECT_FALSE(leave(condition, waiter));
      },
      [](Condition& condition, Fate) {
        const Waiter mine = enter(condition);
        EXPECT_EQ(condition.notify(1), 1U);
        EXPECT_TRUE(leave(condition, mine));
        expect_whole(condition);
      });
  EXPECT_GE(points, 6);
}

TEST(ConditionFaults, AWaiterThatDiesWithItsNotifyLeavesItsPlace) {
  const int points = die_at_every_fault_point<Condition>(
      [](Condition& condition) {
        const Waiter waiter = enter(condition);
        EXPECT_EQ(condition.notify(1), 1U);
        EXPECT_EQ(wait(condition, waiter), WaitResult::acquired);
        EXPECT_TRUE(leave(condition, waiter));
      },
      [](Condition& condition, Fate) { expect_whole(condition); });
  EXPECT_GE(points, 6);
}

TEST(ConditionFaults, AnEntrantThatDiesWhileItTakesThePlaceOfADeadOneLeavesIt) {
  const int points = die_at_every_fault_point<Condition>(
      [](Condition& condition) { testing::in_child([&] { enter(condition); }); },
      [](Condition& condition) { leave(condition, enter(condition)); },
      [](Condition& condition, Fate) { expect_whole(condition); });
  EXPECT_GE(points, 4);
}

// Three wait, of whom the second is dead; a notify(2) is due to the first and the third.
TEST(ConditionFaults, ANotifierThatDiesHasNotifiedTheFirstOnesAndTheNextNotifyGoesOn) {
  Waiter first;
  Waiter third;
  const int points = die_at_every_fault_point<Condition>(
      [&](Condition& condition) {
        first = enter(condition);
        const Waiter gone = enter(condition);
        testing::in_child([&] { enter(condition); });
        EXPECT_FALSE(leave(condition, gone));
        third = enter(condition);  // in a free place, so that the dead one stays
        // So that they have to be woken.
        EXPECT_EQ(wait(condition, first, Deadline::expired()), WaitResult::timed_out);
        EXPECT_EQ(wait(condition, third, Deadline::expired()), WaitResult::timed_out);
      },
      [](Condition& condition) { EXPECT_EQ(condition.notify(2), 2U); },
      [&](Condition& condition, Fate fate) {
        const std::uint32_t left = condition.waiters();
        EXPECT_LE(left, fate == Fate::survived ? 0U : 2U);
        EXPECT_EQ(condition.notify(2), left);
        EXPECT_EQ(wait(condition, first), WaitResult::acquired);
        EXPECT_EQ(wait(condition, third), WaitResult::acquired);
        EXPECT_TRUE(leave(condition, first));
        EXPECT_TRUE(leave(condition, third));
        expect_whole(condition);
      });
  EXPECT_GE(points, 5);
}

TEST(ConditionFaults, WhoSleepsThroughTheDeathOfTheNotifierFindsItsNotify) {
  for (int n = 0;; ++n) {
    SCOPED_TRACE("fault point " + std::to_string(n));
    testing::Shared<Condition> condition;
    testing::Shared<std::atomic<bool>> may_notify;
    const pid_t notifier = testing::start_doomed_child(n, [&] {
      while (!*may_notify) testing::sleep_ms(1);
      EXPECT_EQ(condition->notify(1), 1U);
    });
    std::atomic<pid_t> id{0};
    std::thread waiter([&] {
      const Waiter mine = enter(*condition);
      id = testing::kernel_id();
      EXPECT_EQ(wait(*condition, mine), WaitResult::acquired);
      EXPECT_TRUE(leave(*condition, mine));
    });
    testing::wait_until_asleep(id);
    *may_notify = true;
    const Fate fate = testing::fate_of(notifier);
    if (condition->waiters() > 0) condition->notify(1);  // it died too early
    waiter.join();
    if (fate == Fate::survived) {
      EXPECT_GE(n, 2);
      break;
    }
  }
}

}  // namespace
}  // namespace nativeconc::shared
