// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/rlock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::kScale;
using testing::run_in_child;
using testing::run_threads;

ThreadId me() { return deadlock::this_thread(); }

// As the seam does it: what is one's own, or free, is taken at once.
WaitResult acquire(RLock& lock, Deadline deadline = Deadline::never()) {
  if (lock.try_acquire(me())) return WaitResult::acquired;
  Waiter waiter;
  return lock.acquire(me(), deadline, waiter);
}

bool take(RLock& lock) { return acquire(lock) == WaitResult::acquired; }

TEST(RLock, CountsHowOftenItsOwnerHasTakenIt) {
  RLock lock;
  EXPECT_FALSE(lock.is_owned_by(me()));
  for (std::uint32_t depth = 1; depth <= 5; ++depth) {
    EXPECT_TRUE(take(lock));
    EXPECT_EQ(lock.depth(), depth);
  }
  for (std::uint32_t depth = 4; depth > 0; --depth) {
    EXPECT_TRUE(lock.release(me()));
    EXPECT_EQ(lock.depth(), depth);
    EXPECT_TRUE(lock.is_owned_by(me()));
  }
  EXPECT_TRUE(lock.release(me()));
  EXPECT_EQ(lock.depth(), 0U);
  EXPECT_FALSE(lock.is_owned_by(me()));
  EXPECT_FALSE(lock.lock().is_locked());
  EXPECT_FALSE(lock.release(me()));
}

TEST(RLock, OthersCanNeitherTakeNorReleaseIt) {
  RLock lock;
  ASSERT_TRUE(take(lock));
  ASSERT_TRUE(take(lock));
  run_threads(1, [&](int) {
    EXPECT_FALSE(lock.is_owned_by(me()));
    EXPECT_FALSE(lock.try_acquire(me()));
    EXPECT_FALSE(lock.release(me()));
    EXPECT_EQ(acquire(lock, Deadline::expired()), WaitResult::timed_out);
    EXPECT_EQ(acquire(lock, Deadline::after(10'000'000)), WaitResult::timed_out);
  });
  EXPECT_EQ(lock.depth(), 2U);
  EXPECT_TRUE(lock.is_owned_by(me()));
}

TEST(RLock, IsGivenUpAndTakenUpAgainWithItsDepth) {
  RLock lock;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(take(lock));
  lock.set_depth(1);
  EXPECT_TRUE(lock.release(me()));
  EXPECT_FALSE(lock.lock().is_locked());
  ASSERT_TRUE(take(lock));
  lock.set_depth(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(lock.release(me()));
  EXPECT_FALSE(lock.lock().is_locked());
}

TEST(RLock, ResetMakesItFreeWhoeverHasIt) {
  RLock lock;
  ASSERT_TRUE(take(lock));
  ASSERT_TRUE(take(lock));
  run_threads(1, [&](int) {
    lock.reset();
    EXPECT_EQ(lock.depth(), 0U);
    EXPECT_TRUE(lock.try_acquire(me()));
    EXPECT_EQ(lock.depth(), 1U);
    EXPECT_TRUE(lock.release(me()));
  });
  EXPECT_FALSE(lock.release(me()));
}

// The counter is plain: with TSan, this also proves that releasing and taking order memory.
TEST(RLock, ProtectsPlainMemoryAtAnyDepth) {
  RLock lock;
  std::int64_t counter = 0;
  std::atomic<std::int64_t> expected{0};
  std::atomic<bool> wrong{false};
  run_threads(5, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::int64_t mine = 0;
    for (int i = 0; i < 4000 * kScale; ++i) {
      const std::uint32_t wanted = 1 + random() % 4;
      const bool timed = random() % 3 == 0;
      std::uint32_t depth = 0;
      while (depth < wanted) {
        const Deadline deadline = timed ? Deadline::after(random() % 100'000) : Deadline::never();
        if (acquire(lock, deadline) != WaitResult::acquired) break;
        ++depth;
        if (lock.depth() != depth || !lock.is_owned_by(me())) wrong = true;
        ++counter;
        ++mine;
      }
      if (depth != 0 && depth != wanted) wrong = true;  // one's own can always be taken again
      for (; depth > 0; --depth) {
        if (!lock.release(me())) wrong = true;
      }
      if (lock.is_owned_by(me())) wrong = true;
    }
    expected += mine;
  });
  EXPECT_FALSE(wrong);
  EXPECT_EQ(counter, expected);
  EXPECT_EQ(lock.depth(), 0U);
  EXPECT_FALSE(lock.lock().is_locked());
}

TEST(RLock, ReportsSignalsAndStaysWholeThroughAStormOfThem) {
  const testing::Nudge nudge;
  RLock lock;
  std::atomic<int> interruptions{0};
  std::atomic<bool> stop{false};
  std::thread waiter([&] {
    while (!stop) {
      const WaitResult result = acquire(lock, Deadline::after(100'000'000));
      if (result == WaitResult::interrupted) {
        ++interruptions;
        EXPECT_FALSE(lock.is_owned_by(me()));
      }
      if (result == WaitResult::acquired) {
        EXPECT_EQ(lock.depth(), 1U);
        EXPECT_TRUE(lock.release(me()));
      }
    }
  });
  for (int i = 0; i < 50 * kScale || interruptions == 0; ++i) {
    ASSERT_TRUE(take(lock));
    ASSERT_TRUE(take(lock));
    nudge(waiter);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    EXPECT_TRUE(lock.release(me()));
    EXPECT_TRUE(lock.release(me()));
  }
  stop = true;
  waiter.join();
  EXPECT_FALSE(lock.lock().is_locked());
}

TEST(RLock, AForkedChildKeepsItsOwnAtItsDepth) {
  RLock lock;
  ASSERT_TRUE(take(lock));
  ASSERT_TRUE(take(lock));
  std::thread waiter([&] {
    EXPECT_TRUE(take(lock));
    EXPECT_TRUE(lock.release(me()));
  });
  testing::sleep_ms(5);
  const int in_child = run_in_child([&lock] {
    if (!lock.is_owned_by(me()) || lock.depth() != 2) return 1;
    if (!take(lock) || lock.depth() != 3) return 2;
    for (int i = 0; i < 3; ++i) {
      if (!lock.release(me())) return 3;
    }
    if (lock.release(me())) return 4;
    return lock.try_acquire(me()) && lock.depth() == 1 ? 7 : 5;
  });
  EXPECT_EQ(in_child, 7);
  EXPECT_EQ(lock.depth(), 2U);
  EXPECT_TRUE(lock.release(me()));
  EXPECT_TRUE(lock.release(me()));
  waiter.join();
}

TEST(RLock, AForkedChildDoesNotOwnWhatAnotherThreadOfTheParentHad) {
  RLock lock;
  std::atomic<bool> held{false};
  std::atomic<bool> stop{false};
  std::thread holder([&] {
    EXPECT_TRUE(take(lock));
    held = true;
    testing::wait_until([&] { return stop.load(); });
    EXPECT_TRUE(lock.release(me()));
  });
  testing::wait_until([&] { return held.load(); });
  const int in_child = run_in_child([&lock] {
    if (lock.is_owned_by(me()) || lock.try_acquire(me()) || lock.release(me())) return 1;
    if (acquire(lock, Deadline::after(1'000'000)) != WaitResult::timed_out) return 2;
    if (deadlock::thread_info(lock.lock().owner()).fate != deadlock::Fate::lost) return 3;
    lock.reset();
    return lock.try_acquire(me()) && lock.depth() == 1 && lock.release(me()) ? 7 : 4;
  });
  EXPECT_EQ(in_child, 7);
  stop = true;
  holder.join();
}

}  // namespace
}  // namespace nativeconc::sync
