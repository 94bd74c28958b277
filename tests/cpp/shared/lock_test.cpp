// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Locks between processes, and what is left of them when their owners die.
#include "nativeconc/shared/lock.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <thread>
#include <vector>

#include "processes.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::Shared;
using Entry = Lock::Entry;
using IfDead = Lock::IfDead;

Entry acquire(Lock& lock, IfDead if_dead = IfDead::leave_in_doubt,
              Deadline deadline = Deadline::never()) {
  Lock::Waiter waiter;
  return lock.acquire(this_thread_number(), deadline, waiter, if_dead);
}

TEST(SharedLock, IsTakenAndReleasedByItsOwnerAlone) {
  Shared<Lock> lock;
  EXPECT_FALSE(lock->release(this_thread_number()));
  ASSERT_TRUE(lock->try_acquire(this_thread_number()));
  in_child([&] {
    EXPECT_EQ(acquire(*lock, IfDead::take_over, Deadline::after(1'000'000)), Entry::timed_out);
    EXPECT_FALSE(lock->release(this_thread_number()));
  });
  EXPECT_TRUE(lock->release(this_thread_number()));
  EXPECT_FALSE(lock->is_locked());
}

TEST(SharedLock, AForkedChildDoesNotOwnWhatItsParentHolds) {
  Shared<Lock> lock;
  ASSERT_TRUE(lock->try_acquire(this_thread_number()));
  in_child([&] { EXPECT_FALSE(lock->is_owned_by(this_thread_number())); });
  EXPECT_EQ(acquire(*lock, IfDead::take_over, Deadline::expired()), Entry::timed_out);
  EXPECT_TRUE(lock->release(this_thread_number()));
}

TEST(SharedLock, ADeadOwnerLeavesItInDoubtUntilItIsTakenOverAndReleased) {
  Shared<Lock> lock;
  const pid_t dead = in_child([&] { ASSERT_TRUE(lock->try_acquire(this_thread_number())); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(acquire(*lock), Entry::in_doubt);
  EXPECT_EQ(lock->death().pid, dead);
  EXPECT_GT(lock->death().found_ns, 0);
  ASSERT_EQ(acquire(*lock, IfDead::take_over), Entry::acquired_in_doubt);
  ASSERT_TRUE(lock->release_in_doubt(this_thread_number()));
  in_child([&] {
    EXPECT_EQ(acquire(*lock), Entry::in_doubt);
    EXPECT_EQ(lock->death().pid, dead);
    ASSERT_EQ(acquire(*lock, IfDead::take_over), Entry::acquired_in_doubt);
  });
  // Whoever took it over died, too, without having made it whole.
  EXPECT_EQ(acquire(*lock), Entry::in_doubt);
  EXPECT_EQ(lock->death().pid, dead);
  ASSERT_EQ(acquire(*lock, IfDead::take_over), Entry::acquired_in_doubt);
  ASSERT_TRUE(lock->release(this_thread_number()));
  ASSERT_EQ(acquire(*lock), Entry::acquired);
  EXPECT_EQ(lock->death(), DeadOwner{});
}

TEST(SharedLock, WhoeverMadeItWholeAndDiesIsTheDeadOwner) {
  Shared<Lock> lock;
  in_child([&] { ASSERT_TRUE(lock->try_acquire(this_thread_number())); });
  const pid_t second = in_child([&] {
    ASSERT_EQ(acquire(*lock, IfDead::take_over), Entry::acquired_in_doubt);
    lock->make_whole();
    EXPECT_EQ(lock->death(), DeadOwner{});
  });
  EXPECT_EQ(acquire(*lock), Entry::in_doubt);
  EXPECT_EQ(lock->death().pid, second);
}

TEST(SharedLock, AThreadThatEndsIsADeadOwner) {
  Shared<Lock> lock;
  std::thread([&] { ASSERT_TRUE(lock->try_acquire(this_thread_number())); }).join();
  EXPECT_EQ(acquire(*lock), Entry::in_doubt);
  EXPECT_EQ(lock->death().pid, getpid());
}

TEST(SharedLock, OneWaiterOfManyTakesOverFromADeadOwner) {
  Shared<Lock> lock;
  Shared<std::atomic<int>> in_doubt;
  std::thread owner;
  Shared<std::atomic<bool>> may_end;
  Shared<std::atomic<bool>> holds;
  const pid_t child = testing::start_child([&] {
    ASSERT_TRUE(lock->try_acquire(this_thread_number()));
    *holds = true;
    for (;;) pause();
  });
  testing::wait_until([&] { return holds->load(); });
  std::vector<std::thread> waiters;
  for (int i = 0; i < 5; ++i) {
    waiters.emplace_back([&] {
      const Entry entry = acquire(*lock, IfDead::take_over);
      EXPECT_TRUE(entry == Entry::acquired || entry == Entry::acquired_in_doubt);
      if (entry == Entry::acquired_in_doubt) ++*in_doubt;
      EXPECT_TRUE(lock->release(this_thread_number()));
    });
  }
  testing::sleep_ms(30);
  testing::kill_child(child);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(*in_doubt, 1);
}

TEST(SharedLock, AStoppedWaiterThatIsTheHeirKeepsNobodyOut) {
  Shared<Lock> lock;
  ASSERT_TRUE(lock->try_acquire(this_thread_number()));
  const pid_t heir = testing::start_child([&] {
    EXPECT_EQ(acquire(*lock), Entry::acquired);
    EXPECT_TRUE(lock->release(this_thread_number()));
  });
  testing::sleep_ms(60);
  kill(heir, SIGSTOP);
  testing::sleep_ms(5);
  ASSERT_TRUE(lock->release(this_thread_number()));
  EXPECT_EQ(acquire(*lock), Entry::acquired);
  kill(heir, SIGCONT);
  testing::sleep_ms(30);
  ASSERT_TRUE(lock->release(this_thread_number()));
  testing::join_child(heir);
  EXPECT_FALSE(lock->is_locked());
}

TEST(SharedLock, AHeirThatDoesNotComeKeepsNobodyOutWhoOnlyTries) {
  for (const bool is_killed : {false, true}) {
    for (const std::int64_t patience_ns : {0, 5'000'000}) {
      Shared<Lock> lock;
      const ThreadNumber me = this_thread_number();
      ASSERT_TRUE(lock->try_acquire(me));
      const pid_t child = testing::start_child([&] { EXPECT_EQ(acquire(*lock), Entry::acquired); });
      testing::sleep_ms(10);  // it waits, and is the heir
      kill(child, is_killed ? SIGKILL : SIGSTOP);
      if (is_killed) waitpid(child, nullptr, 0);
      ASSERT_TRUE(lock->release(me));
      testing::wait_until([&] {
        return patience_ns == 0 ? lock->look(me, IfDead::leave_in_doubt) == Entry::acquired
                                : acquire(*lock, IfDead::leave_in_doubt,
                                          Deadline::after(patience_ns)) == Entry::acquired;
      });
      ASSERT_TRUE(lock->release(me));
      if (is_killed) continue;
      kill(child, SIGCONT);
      waitpid(child, nullptr, 0);
    }
  }
}

TEST(SharedLock, ThreeThousandLocksOfOneDeadThreadAreAllFound) {
  constexpr int kLocks = 3000;
  Shared<std::array<Lock, kLocks>> locks;
  in_child([&] {
    for (Lock& lock : *locks) ASSERT_TRUE(lock.try_acquire(this_thread_number()));
  });
  for (Lock& lock : *locks) ASSERT_EQ(acquire(lock), Entry::in_doubt);
}

}  // namespace
}  // namespace nativeconc::shared
