// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Owners and buriers of a shared lock that die between any two steps.
#include <thread>

#include "every_fault.hpp"
#include "nativeconc/shared/lock.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;
using Entry = Lock::Entry;
using IfDead = Lock::IfDead;

Entry acquire(Lock& lock, IfDead if_dead) {
  Lock::Waiter waiter;
  return lock.acquire(this_thread_number(), Deadline::never(), waiter, if_dead);
}

void leave_dead_owner(Lock& lock) {
  testing::in_child([&] { ASSERT_TRUE(lock.try_acquire(this_thread_number())); });
}

void expect_usable(Lock& lock) {
  ASSERT_NE(acquire(lock, IfDead::take_over), Entry::in_doubt);
  ASSERT_TRUE(lock.release(this_thread_number()));
  ASSERT_EQ(acquire(lock, IfDead::leave_in_doubt), Entry::acquired);
  EXPECT_EQ(lock.death(), DeadOwner{});
  ASSERT_TRUE(lock.release(this_thread_number()));
  EXPECT_FALSE(lock.is_locked());
}

TEST(LockFaults, WhoeverDiesWhileItBuriesAnotherLeavesTheLockInDoubt) {
  const auto bury = [](Lock& lock) {
    EXPECT_EQ(acquire(lock, IfDead::leave_in_doubt), Entry::in_doubt);
  };
  const int points = die_at_every_fault_point<Lock>(leave_dead_owner, bury, [](Lock& lock, Fate) {
    // Nobody enters a half-changed section unaware, however often it dies on the way.
    EXPECT_EQ(acquire(lock, IfDead::leave_in_doubt), Entry::in_doubt);
    EXPECT_GT(lock.death().found_ns, 0);
    expect_usable(lock);
  });
  EXPECT_GE(points, 3);
}

TEST(LockFaults, WhoeverDiesWhileItTakesOverLeavesTheLockInDoubt) {
  const auto take_over = [](Lock& lock) {
    EXPECT_EQ(acquire(lock, IfDead::take_over), Entry::acquired_in_doubt);
  };
  const int points =
      die_at_every_fault_point<Lock>(leave_dead_owner, take_over, [](Lock& lock, Fate) {
        EXPECT_EQ(acquire(lock, IfDead::leave_in_doubt), Entry::in_doubt);
        EXPECT_GT(lock.death().found_ns, 0);
        expect_usable(lock);
      });
  EXPECT_GE(points, 3);
}

TEST(LockFaults, WhoeverDiesWhileItReleasesWhatItHasMadeWholeHasReleasedItOrHoldsIt) {
  const auto take_over_and_release = [](Lock& lock) {
    ASSERT_EQ(acquire(lock, IfDead::take_over), Entry::acquired_in_doubt);
    ASSERT_TRUE(lock.release(this_thread_number()));
  };
  const int points = die_at_every_fault_point<Lock>(
      leave_dead_owner, take_over_and_release, [](Lock& lock, Fate fate) {
        const Entry entry = acquire(lock, IfDead::leave_in_doubt);
        if (fate == Fate::survived) {
          EXPECT_EQ(entry, Entry::acquired);
        }
        if (entry == Entry::acquired) {
          EXPECT_EQ(lock.death(), DeadOwner{});
          ASSERT_TRUE(lock.release(this_thread_number()));
        } else {
          EXPECT_EQ(entry, Entry::in_doubt);
          EXPECT_GT(lock.death().found_ns, 0);
        }
        expect_usable(lock);
      });
  EXPECT_GE(points, 4);
}

TEST(LockFaults, WhoeverDiesWhileItPutsTheLockInDoubtLeavesNobodyAsleep) {
  const auto take_and_doubt = [](Lock& lock) {
    ASSERT_EQ(acquire(lock, IfDead::take_over), Entry::acquired_in_doubt);
    ASSERT_TRUE(lock.release_in_doubt(this_thread_number()));
  };
  const int points =
      die_at_every_fault_point<Lock>(leave_dead_owner, take_and_doubt, [](Lock& lock, Fate) {
        std::thread other(
            [&] { EXPECT_EQ(acquire(lock, IfDead::leave_in_doubt), Entry::in_doubt); });
        EXPECT_EQ(acquire(lock, IfDead::leave_in_doubt), Entry::in_doubt);
        other.join();
        expect_usable(lock);
      });
  EXPECT_GE(points, 4);
}

}  // namespace
}  // namespace nativeconc::shared
