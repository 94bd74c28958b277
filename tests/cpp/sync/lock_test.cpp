// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using deadlock::kNobody;
using testing::kScale;
using testing::run_in_child;
using testing::run_threads;
using testing::sleep_ms;

ThreadId me() { return deadlock::this_thread(); }

WaitResult acquire(Lock& lock, Deadline deadline = Deadline::never()) {
  Waiter waiter;
  return lock.acquire(me(), deadline, waiter);
}

bool take(Lock& lock) { return acquire(lock) == WaitResult::acquired; }

TEST(Lock, IsFreeThenTakenThenFree) {
  Lock lock;
  EXPECT_FALSE(lock.is_locked());
  EXPECT_TRUE(lock.try_acquire(me()));
  EXPECT_TRUE(lock.is_locked());
  EXPECT_FALSE(lock.try_acquire(me()));
  EXPECT_TRUE(lock.release());
  EXPECT_FALSE(lock.is_locked());
  EXPECT_FALSE(lock.release());
}

TEST(Lock, KnowsWhoHasIt) {
  Lock lock;
  EXPECT_EQ(lock.owner(), kNobody);
  ASSERT_TRUE(take(lock));
  EXPECT_EQ(lock.owner(), me());
  run_threads(1, [&](int) {
    EXPECT_NE(lock.owner(), me());
    EXPECT_TRUE(lock.release()) << "any thread may release it";
    EXPECT_TRUE(lock.try_acquire(me()));
    EXPECT_EQ(lock.owner(), me());
  });
  EXPECT_NE(lock.owner(), me());
  EXPECT_NE(lock.owner(), kNobody);
}

TEST(Lock, IsReleasedFromItsOwnerOnly) {
  Lock lock;
  EXPECT_FALSE(lock.release_from(me()));
  ASSERT_TRUE(take(lock));
  EXPECT_FALSE(lock.release_from(me() + 1));
  EXPECT_FALSE(lock.release_from(kNobody));
  EXPECT_EQ(lock.owner(), me());
  EXPECT_TRUE(lock.release_from(me()));
  EXPECT_EQ(lock.owner(), kNobody);
}

TEST(Lock, TimesOutWhenNobodyReleasesIt) {
  Lock lock;
  ASSERT_TRUE(take(lock));
  EXPECT_EQ(acquire(lock, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(acquire(lock, Deadline::after(20'000'000)), WaitResult::timed_out);
  EXPECT_EQ(lock.owner(), me());
  EXPECT_TRUE(lock.release());
  EXPECT_TRUE(lock.try_acquire(me()));
}

TEST(Lock, AWaiterGetsItWhenItIsReleasedAndWhenItIsReset) {
  Lock lock;
  for (const bool by_reset : {false, true}) {
    ASSERT_TRUE(take(lock));
    std::thread waiter([&] {
      EXPECT_TRUE(take(lock));
      EXPECT_EQ(lock.owner(), me());
      lock.release();
    });
    sleep_ms(5);
    by_reset ? lock.reset() : static_cast<void>(lock.release());
    waiter.join();
    EXPECT_FALSE(lock.is_locked());
  }
}

// The counter is plain: with TSan, this also proves that releasing and taking order memory.
TEST(Lock, ProtectsPlainMemory) {
  Lock lock;
  std::int64_t counter = 0;
  const int rounds = 2000 * kScale;
  run_threads(4, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      if (!take(lock)) return;
      ++counter;
      lock.release();
    }
  });
  EXPECT_EQ(counter, 4 * rounds);
  EXPECT_EQ(lock.owner(), kNobody);
}

TEST(Lock, BelongsToTheOneInsideInRandomSchedules) {
  Lock lock;
  std::atomic<int> inside{0};
  std::atomic<bool> wrong{false};
  run_threads(6, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 4000 * kScale; ++i) {
      bool taken = false;
      switch (random() % 3) {
        case 0:
          taken = lock.try_acquire(me());
          break;
        case 1:
          taken = acquire(lock, Deadline::after(random() % 200'000)) == WaitResult::acquired;
          break;
        default:
          taken = take(lock);
      }
      if (!taken) {
        if (lock.owner() == me() || lock.release_from(me())) wrong = true;
        continue;
      }
      if (++inside > 1 || lock.owner() != me()) wrong = true;
      if (random() % 64 == 0) std::this_thread::yield();
      if (lock.owner() != me()) wrong = true;
      --inside;
      random() % 2 == 0 ? lock.release() : lock.release_from(me());
    }
  });
  EXPECT_FALSE(wrong);
  EXPECT_FALSE(lock.is_locked());
}

TEST(Lock, ReportsSignalsAndStaysWholeThroughAStormOfThem) {
  const testing::Nudge nudge;
  Lock lock;
  std::atomic<int> interruptions{0};
  std::atomic<bool> stop{false};
  std::thread waiter([&] {
    while (!stop) {
      const WaitResult result = acquire(lock, Deadline::after(100'000'000));
      if (result == WaitResult::interrupted) ++interruptions;
      if (result == WaitResult::acquired) lock.release();
    }
  });
  for (int i = 0; i < 50 * kScale || interruptions == 0; ++i) {
    const bool held = take(lock);
    nudge(waiter);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (held) lock.release();
  }
  stop = true;
  waiter.join();
  EXPECT_EQ(lock.owner(), kNobody);
}

TEST(Lock, SpinningTakesWhatIsFreeAndGivesUpOtherwise) {
  Lock lock;
  EXPECT_TRUE(lock.spin(me()));
  EXPECT_EQ(lock.owner(), me());
  EXPECT_FALSE(lock.spin(me() + 1));
  EXPECT_EQ(lock.owner(), me());
  EXPECT_TRUE(lock.release());
}

TEST(Lock, ARousedWaiterComesOutAndOthersSleepOn) {
  Lock lock;
  ASSERT_TRUE(take(lock));
  Waiter roused;
  std::atomic<int> out{0};
  std::thread first([&] {
    EXPECT_EQ(lock.acquire(me(), Deadline::never(), roused), WaitResult::interrupted);
    ++out;
    EXPECT_TRUE(take(lock)) << "and may wait again";
    lock.release();
  });
  std::thread second([&] {
    EXPECT_TRUE(take(lock));
    ++out;
    lock.release();
  });
  for (const int pause_ms : {0, 5, 5}) {  // before they sleep, or after
    testing::sleep_ms(pause_ms);
    lock.rouse();
    EXPECT_EQ(out, 0) << "without `roused` nobody is meant";
  }
  roused.roused = true;
  lock.rouse();
  testing::wait_until([&] { return out == 1; });
  EXPECT_EQ(lock.owner(), me());
  lock.release();
  first.join();
  second.join();
  EXPECT_EQ(out, 2);
}

TEST(Lock, AStormOfRousingLosesNoWakeUp) {
  Lock lock;
  std::atomic<bool> stop{false};
  std::atomic<int> inside{0};
  std::atomic<bool> wrong{false};
  Waiter waiters[4];
  std::thread rouser([&] {
    for (unsigned i = 0; !stop; ++i) {
      waiters[i % 4].roused = true;
      lock.rouse();
      if (i % 8 == 0) std::this_thread::yield();
    }
  });
  run_threads(4, [&](int i) {
    Waiter& waiter = waiters[i];
    for (int round = 0; round < 1000 * kScale; ++round) {
      while (!lock.try_acquire(me()) &&
             lock.acquire(me(), Deadline::never(), waiter) != WaitResult::acquired) {
      }
      if (++inside != 1 || lock.owner() != me()) wrong = true;
      if (round % 16 == 0) std::this_thread::yield();
      --inside;
      lock.release();
    }
  });
  stop = true;
  rouser.join();
  EXPECT_FALSE(wrong);
  EXPECT_FALSE(lock.is_locked());
}

// Without the hand-over the rival of a greedy thread could lose every race; this test would not
// end.
TEST(Lock, AWaiterGetsInBesideAGreedyThread) {
  Lock lock;
  std::atomic<bool> stop{false};
  std::thread greedy([&] {
    while (!stop) {
      if (take(lock)) lock.release();
    }
  });
  for (int i = 0; i < 200 * kScale; ++i) {
    ASSERT_TRUE(take(lock));
    lock.release();
  }
  stop = true;
  greedy.join();
}

TEST(Lock, AForkedChildKeepsItsOwnAndForgetsTheWaitersOfItsParent) {
  Lock lock;
  ASSERT_TRUE(take(lock));
  std::atomic<bool> stop{false};
  std::thread waiters[3];
  for (std::thread& waiter : waiters) {
    waiter = std::thread([&] {
      while (!stop) {
        if (take(lock)) lock.release();
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    sleep_ms(2);  // one of them becomes the heir
    const int in_child = run_in_child([&lock] {
      if (lock.owner() != me()) return 1;
      for (int k = 0; k < 100; ++k) {
        if (!lock.release() || lock.is_locked() || !lock.try_acquire(me())) return 2;
      }
      lock.release();
      if (!testing::kThreadsAfterFork) return 7;
      std::int64_t counter = 0;
      run_threads(3, [&](int) {
        for (int k = 0; k < 1000; ++k) {
          if (!take(lock)) return;
          ++counter;
          lock.release();
        }
      });
      return counter == 3000 ? 7 : 3;
    });
    ASSERT_EQ(in_child, 7);
    lock.release();
    ASSERT_TRUE(take(lock));
  }
  stop = true;
  lock.release();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_FALSE(lock.is_locked());
}

// Whenever the fork comes, the child finds the lock free or with an owner that is known to be lost.
TEST(Lock, AForkedChildNeverFindsItTakenByNobodyKnows) {
  Lock lock;
  std::atomic<bool> stop{false};
  std::atomic<int> entries{0};
  std::thread others[2];
  for (std::thread& other : others) {
    other = std::thread([&] {
      while (!stop) {
        if (take(lock)) lock.release();
        ++entries;
      }
    });
  }
  static_cast<void>(me());
  for (int i = 0; i < 20 * kScale; ++i) {
    const int before = entries;
    testing::wait_until([&] { return entries > before; });
    const int in_child = run_in_child([&lock] {
      const ThreadId owner = lock.owner();
      if (owner == me()) return 1;
      if (owner == kNobody) return lock.try_acquire(me()) ? 7 : 2;
      if (deadlock::thread_info(owner).fate != deadlock::Fate::lost) return 3;
      if (lock.try_acquire(me())) return 4;
      if (acquire(lock, Deadline::after(1'000'000)) != WaitResult::timed_out) return 5;
      if (!lock.release_from(owner)) return 6;
      return lock.try_acquire(me()) ? 7 : 8;
    });
    ASSERT_EQ(in_child, 7);
  }
  stop = true;
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace nativeconc::sync
