// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/permits.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <random>

#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::kScale;
using testing::run_in_child;
using testing::run_threads;

WaitResult acquire(Permits& permits, Deadline deadline = Deadline::never()) {
  Waiter waiter;
  return permits.acquire(deadline, waiter);
}

bool lock(Permits& permits) { return acquire(permits) == WaitResult::acquired; }

TEST(Permits, AreTakenUntilNoneIsLeft) {
  Permits permits(2);
  EXPECT_TRUE(permits.try_acquire());
  EXPECT_TRUE(permits.try_acquire());
  EXPECT_FALSE(permits.try_acquire());
  EXPECT_EQ(permits.available(), 0U);
  EXPECT_TRUE(permits.release(1, 2));
  EXPECT_EQ(permits.available(), 1U);
}

TEST(Permits, RefuseToExceedTheirBoundAndStayAsTheyWere) {
  Permits permits(2);
  EXPECT_FALSE(permits.release(1, 2));
  EXPECT_TRUE(permits.try_acquire());
  EXPECT_FALSE(permits.release(2, 2));
  EXPECT_FALSE(permits.release(Permits::kMax, Permits::kMax));
  EXPECT_EQ(permits.available(), 1U);
}

TEST(Permits, TimeOutWhenNobodyGivesOne) {
  Permits permits(0);
  EXPECT_EQ(acquire(permits, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(acquire(permits, Deadline::after(20'000'000)), WaitResult::timed_out);
  EXPECT_TRUE(permits.release(1, 1));
  EXPECT_TRUE(permits.try_acquire());
}

TEST(Permits, RefillingKeepsTheWaiters) {
  Permits permits(0);
  std::atomic<bool> timed_out{false};
  std::thread waiter([&] {
    EXPECT_EQ(acquire(permits, Deadline::after(20'000'000)), WaitResult::timed_out);
    timed_out = true;
    EXPECT_TRUE(lock(permits));
  });
  for (int i = 0; i < 50 || !timed_out; ++i) {
    permits.refill(0);
    EXPECT_EQ(permits.available(), 0U);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  permits.refill(2);
  waiter.join();
  EXPECT_EQ(permits.available(), 1U);
}

TEST(Permits, WakeAsManyWaitersAsAreGiven) {
  Permits permits(0);
  std::atomic<int> entered{0};
  std::thread giver([&] {
    while (!permits.release(5, Permits::kMax)) {
    }
  });
  run_threads(5, [&](int) {
    if (lock(permits)) ++entered;
  });
  giver.join();
  EXPECT_EQ(entered, 5);
  EXPECT_EQ(permits.available(), 0U);
}

// The counter is plain: with TSan, this also proves that giving and taking order memory.
TEST(Permits, OneAtATimeProtectsPlainMemory) {
  Permits permits(1);
  std::int64_t counter = 0;
  const int rounds = 2000 * kScale;
  run_threads(4, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      if (!lock(permits)) return;
      ++counter;
      permits.release(1, 1);
    }
  });
  EXPECT_EQ(counter, 4 * rounds);
}

TEST(Permits, RandomSchedulesOfTriesTimeoutsAndBatchesKeepTheCount) {
  constexpr std::uint32_t kCount = 3;
  Permits permits(kCount);
  std::atomic<int> inside{0};
  std::atomic<bool> too_many{false};
  run_threads(6, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 1500 * kScale; ++i) {
      bool taken = false;
      switch (random() % 3) {
        case 0:
          taken = permits.try_acquire();
          break;
        case 1:
          taken = acquire(permits, Deadline::after(random() % 200'000)) == WaitResult::acquired;
          break;
        default:
          taken = lock(permits);
      }
      if (!taken) continue;
      if (++inside > static_cast<int>(kCount)) too_many = true;
      if (random() % 64 == 0) std::this_thread::yield();
      --inside;
      permits.release(1, kCount);
    }
  });
  EXPECT_FALSE(too_many);
  EXPECT_EQ(permits.available(), kCount);
}

TEST(Permits, ReportSignalsAndKeepTheCountThroughAStormOfThem) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, &before);
  Permits permits(1);
  std::atomic<int> interruptions{0};
  std::atomic<bool> stop{false};
  std::thread waiter([&] {
    while (!stop) {
      const WaitResult result = acquire(permits, Deadline::after(100'000'000));
      if (result == WaitResult::interrupted) ++interruptions;
      if (result == WaitResult::acquired) permits.release(1, 1);
    }
  });
  for (int i = 0; i < 50 * kScale || interruptions == 0; ++i) {
    const bool held = lock(permits);
    pthread_kill(waiter.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (held) permits.release(1, 1);
  }
  stop = true;
  waiter.join();
  EXPECT_EQ(permits.available(), 1U);
  sigaction(SIGUSR1, &before, nullptr);
}

// A greedy thread takes the lock again as soon as it has given it back. Without the hand-over its
// rival could lose every race; with it, the rival gets in as often as it asks, and this test ends.
TEST(Permits, AWaiterGetsInBesideAGreedyThread) {
  Permits permits(1);
  std::atomic<bool> stop{false};
  std::thread greedy([&] {
    while (!stop) {
      if (lock(permits)) permits.release(1, 1);
    }
  });
  for (int i = 0; i < 20 * kScale; ++i) {
    ASSERT_TRUE(lock(permits));
    permits.release(1, 1);
  }
  stop = true;
  greedy.join();
}

// Lets the waiters of a held lock lose a race late enough that one of them is owed the lock.
void let_waiters_starve(Permits& permits) {
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    permits.release(1, 1);
    if (!permits.try_acquire()) static_cast<void>(acquire(permits));
  }
}

TEST(Permits, AForkedChildForgetsTheWaitersOfItsParent) {
  Permits permits(0);
  std::atomic<bool> stop{false};
  std::thread waiters[3];
  for (std::thread& waiter : waiters) {
    waiter = std::thread([&] {
      while (!stop) {
        if (lock(permits)) permits.release(1, 1);
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    let_waiters_starve(permits);
    const int in_child = run_in_child([&permits] {
      // The child holds the lock, as the forking thread did. It can go on using it.
      for (int k = 0; k < 100; ++k) {
        if (!permits.release(1, 1) || permits.available() != 1 || !permits.try_acquire()) return 1;
      }
      permits.release(1, 1);
      if (!testing::kThreadsAfterFork) return 7;
      std::int64_t counter = 0;
      run_threads(3, [&](int) {
        for (int k = 0; k < 1000; ++k) {
          if (!lock(permits)) return;
          ++counter;
          permits.release(1, 1);
        }
      });
      return counter == 3000 ? 7 : 2;
    });
    ASSERT_EQ(in_child, 7);
  }
  stop = true;
  permits.release(1, 1);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(permits.available(), 1U);
}

}  // namespace
}  // namespace nativeconc::sync
