// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Waiting for a notify between processes, some of which die.
#include "nativeconc/shared/condition.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "nativeconc/shared/lock.hpp"
#include "processes.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::kScale;
using testing::Shared;
using testing::start_child;
using Waiter = Condition::Waiter;

Waiter enter(Condition& condition) { return condition.enter(this_thread_number()); }
bool leave(Condition& condition, const Waiter& waiter) {
  return condition.leave(this_thread_number(), waiter);
}

// As the seam does it, without the lock. Returns whether it was notified.
bool wait(Condition& condition, Waiter waiter, Deadline deadline = Deadline::never()) {
  while (condition.wait(this_thread_number(), waiter, deadline) == WaitResult::interrupted) {
  }
  return leave(condition, waiter);
}
bool wait(Condition& condition, Deadline deadline = Deadline::never()) {
  return wait(condition, enter(condition), deadline);
}

void wait_for_waiters(Condition& condition, std::uint32_t n) {
  testing::wait_until([&] { return condition.waiters() == n; });
}

TEST(SharedCondition, WakesAWaiterInAnotherProcess) {
  Shared<Condition> condition;
  const pid_t child = start_child([&] { EXPECT_TRUE(wait(*condition)); });
  wait_for_waiters(*condition, 1);
  EXPECT_EQ(condition->notify(1), 1U);
  testing::join_child(child);
  EXPECT_EQ(condition->notify(1), 0U);
}

TEST(SharedCondition, TimesOutAndIsNotCountedAnyMore) {
  Shared<Condition> condition;
  for (const std::int64_t timeout : {0, 1'000'000, 50'000'000}) {
    const std::int64_t start = monotonic_ns();
    EXPECT_FALSE(wait(*condition, Deadline::after(timeout)));
    EXPECT_GE(monotonic_ns() - start, timeout);
    EXPECT_EQ(condition->waiters(), 0U);
  }
}

TEST(SharedCondition, NotifiesAsManyAsItSays) {
  constexpr int kWaiters = 12;
  Shared<Condition> condition;
  Shared<std::atomic<int>> notified;
  std::vector<pid_t> children;
  for (int i = 0; i < kWaiters; ++i) {
    children.push_back(start_child([&] {
      EXPECT_TRUE(wait(*condition));
      ++*notified;
    }));
  }
  wait_for_waiters(*condition, kWaiters);
  EXPECT_EQ(condition->notify(5), 5U);
  testing::wait_until([&] { return *notified == 5; });
  EXPECT_EQ(condition->waiters(), 7U);
  testing::sleep_ms(30);
  EXPECT_EQ(*notified, 5);
  EXPECT_EQ(condition->notify(100), 7U);
  for (const pid_t child : children) testing::join_child(child);
}

TEST(SharedCondition, OwesAWakeUpOnlyToAWaiterThatHasSlept) {
  Shared<Condition> condition;
  for (const bool has_slept : {false, true}) {
    Waiter waiter = enter(*condition);
    if (has_slept) {
      EXPECT_EQ(condition->wait(this_thread_number(), waiter, Deadline::expired()),
                WaitResult::timed_out);
    }
    EXPECT_EQ(condition->notify(1, os::Wake::later), 1U);
    EXPECT_EQ(os::detail::wakes_owed, has_slept ? 1U : 0U);
    os::wake_deferred();
    EXPECT_TRUE(wait(*condition, waiter));
  }
}

TEST(SharedCondition, AWaiterGoesOnAlthoughItsWakeUpDiesWithItsNotifier) {
  Shared<Condition> condition;
  const pid_t child = start_child([&] { EXPECT_TRUE(wait(*condition)); });
  wait_for_waiters(*condition, 1);
  testing::sleep_ms(2);
  EXPECT_EQ(condition->notify(1, os::Wake::later), 1U);
  testing::join_child(child);
  os::wake_deferred();
}

TEST(SharedCondition, KilledWaitersSwallowNoNotify) {
  Shared<Condition> condition;
  std::vector<pid_t> doomed;
  for (int i = 0; i < 4; ++i) doomed.push_back(start_child([&] { wait(*condition); }));
  wait_for_waiters(*condition, 4);
  const pid_t survivor = start_child([&] { EXPECT_TRUE(wait(*condition)); });
  wait_for_waiters(*condition, 5);
  for (const pid_t child : doomed) testing::kill_child(child);
  EXPECT_EQ(condition->notify(1), 1U);
  testing::join_child(survivor);
  EXPECT_EQ(condition->waiters(), 0U);
}

TEST(SharedCondition, AStoppedWaiterHoldsUpNeitherNotifiersNorOtherWaiters) {
  Shared<Condition> condition;
  const pid_t stopped = start_child([&] { EXPECT_TRUE(wait(*condition)); });
  wait_for_waiters(*condition, 1);
  kill(stopped, SIGSTOP);
  const pid_t other = start_child([&] { EXPECT_TRUE(wait(*condition)); });
  wait_for_waiters(*condition, 2);
  EXPECT_EQ(condition->notify(2), 2U);
  testing::join_child(other);
  kill(stopped, SIGCONT);
  testing::join_child(stopped);
}

TEST(SharedCondition, AThreadMayWaitInsideAWait) {
  Shared<Condition> condition;
  const Waiter outer = enter(*condition);
  const Waiter inner = enter(*condition);
  EXPECT_EQ(condition->notify(1), 1U);
  EXPECT_FALSE(wait(*condition, inner, Deadline::after(1'000'000))) << "the outer one came first";
  EXPECT_TRUE(wait(*condition, outer));
}

TEST(SharedCondition, AChildForkedInsideAWaitWaitsForItself) {
  Shared<Condition> condition;
  Waiter waiter = enter(*condition);
  const pid_t child = start_child([&] { EXPECT_TRUE(wait(*condition, waiter)); });
  wait_for_waiters(*condition, 2);
  EXPECT_EQ(condition->notify(1), 1U);
  EXPECT_TRUE(wait(*condition, waiter)) << "the parent came first";
  EXPECT_EQ(condition->notify(1), 1U);
  testing::join_child(child);
  in_child([&] {
    EXPECT_EQ(condition->wait(kNobody, waiter, Deadline::never()), WaitResult::acquired);
    EXPECT_TRUE(condition->leave(kNobody, waiter));
  });
}

TEST(SharedCondition, ASignalInterruptsAWaitThatIsLongerThanASlice) {
  const testing::Nudge nudge;
  Shared<Condition> condition;
  std::atomic<pid_t> id{0};
  std::thread thread([&] {
    Waiter waiter = enter(*condition);
    id = testing::kernel_id();
    const ThreadNumber me = this_thread_number();
    EXPECT_EQ(condition->wait(me, waiter, Deadline::never()), WaitResult::interrupted);
    EXPECT_EQ(condition->wait(me, waiter, Deadline::never()), WaitResult::acquired);
    EXPECT_TRUE(leave(*condition, waiter));
  });
  testing::wait_until_asleep(id);
  testing::sleep_ms(45);
  testing::wait_until_asleep(id);
  nudge(thread);
  testing::sleep_ms(5);
  EXPECT_EQ(condition->notify(1), 1U);
  thread.join();
}

// Tokens under a lock: each one that is put is taken, whatever the schedule. With TSan this also
// proves that the lock and the table order memory.
TEST(SharedCondition, NoTokenIsLeftBehindInAnySchedule) {
  Shared<Condition> condition;
  Shared<Lock> lock;
  const auto acquire = [&] {
    Lock::Waiter waiter;
    ASSERT_EQ(lock->acquire(this_thread_number(), Deadline::never(), waiter,
                            Lock::IfDead::leave_in_doubt),
              Lock::Entry::acquired);
  };
  const auto release = [&] { ASSERT_TRUE(lock->release(this_thread_number())); };
  int tokens = 0;
  const int rounds = 200 * kScale;
  testing::run_threads(4, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    for (int i = 0; i < rounds; ++i) {
      acquire();
      if (me % 2 == 0) {
        ++tokens;
        EXPECT_LE(condition->notify(1), 1U);
      } else {
        while (tokens == 0) {
          const Waiter waiter = enter(*condition);
          release();
          const bool hurries = random() % 4 == 0;
          wait(*condition, waiter, hurries ? Deadline::after(50'000) : Deadline::never());
          acquire();
        }
        --tokens;
      }
      release();
    }
  });
  EXPECT_EQ(tokens, 0);
  EXPECT_EQ(condition->waiters(), 0U);
}

// Waiters are killed at random; the others and the notifier go on, and each notify finds a waiter
// that lived when it was made.
TEST(SharedCondition, WaitersThatAreKilledAtRandomInstantsHoldNobodyUp) {
  Shared<Condition> condition;
  Shared<std::atomic<std::uint64_t>> woken;
  std::minstd_rand random(1);
  const pid_t survivor = start_child([&] {
    for (;;) {
      EXPECT_TRUE(wait(*condition));
      ++*woken;
    }
  });
  for (int i = 0; i < 10 * kScale; ++i) {
    const pid_t doomed = start_child([&] {
      for (;;) wait(*condition, Deadline::after(100'000));
    });
    const std::int64_t end =
        monotonic_ns() + 200'000 + static_cast<std::int64_t>(random() % 1'000'000);
    while (monotonic_ns() < end) condition->notify(1);
    testing::kill_child(doomed);
    const std::uint64_t before = *woken;
    // Two: one of them may go to the survivor that has yet to come back.
    testing::wait_until([&] {
      condition->notify(1);
      return *woken > before + 1;
    });
  }
  testing::kill_child(survivor);
  EXPECT_EQ(condition->waiters(), 0U);
}

}  // namespace
}  // namespace nativeconc::shared
