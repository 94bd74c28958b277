// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/short_mutex.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::os {
namespace {

using testing::kScale;
using testing::run_in_child;
using testing::run_threads;

// The counter is plain: with TSan, this also proves that it orders memory.
TEST(ShortMutex, ProtectsPlainMemory) {
  ShortMutex mutex;
  std::int64_t counter = 0;
  const int rounds = 20'000 * kScale;
  run_threads(4, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      const ShortLock lock(mutex);
      ++counter;
    }
  });
  EXPECT_EQ(counter, std::int64_t{4} * rounds);
}

TEST(ShortMutex, ThoseWhoSleepForItAreWokenOneAfterTheOther) {
  ShortMutex mutex;
  std::atomic<int> inside{0};
  for (int i = 0; i < 10; ++i) {
    std::atomic<bool> held{false};
    std::thread holder([&] {
      const ShortLock lock(mutex);
      held = true;
      testing::sleep_ms(3);  // longer than anybody spins
    });
    testing::wait_until([&] { return held.load(); });
    run_threads(5, [&](int) {
      const ShortLock lock(mutex);
      EXPECT_TRUE(lock.whole());
      EXPECT_EQ(++inside, 1);
      std::this_thread::yield();
      --inside;
    });
    holder.join();
  }
}

TEST(ShortMutex, SignalsDoNotDisturbIt) {
  const testing::Nudge nudge;
  ShortMutex mutex;
  std::int64_t counter = 0;
  std::atomic<std::int64_t> rounds{0};
  std::atomic<bool> stop{false};
  std::thread threads[2];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      do {
        const ShortLock lock(mutex);
        const std::int64_t before = counter;
        std::this_thread::yield();
        counter = before + 1;
        ++rounds;
      } while (!stop);
    });
  }
  for (int i = 0; i < 200; ++i) {
    nudge(threads[i % 2]);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, rounds);
}

#if !defined(NDEBUG)
TEST(ShortMutex, CountsWhatAThreadHolds) {
  ShortMutex a;
  ShortMutex b;
  EXPECT_EQ(internal_mutexes_held(), 0);
  {
    const ShortLock first(a);
    const ShortLock second(b);
    EXPECT_EQ(internal_mutexes_held(), 2);
    run_threads(1, [](int) { EXPECT_EQ(internal_mutexes_held(), 0); });
  }
  EXPECT_EQ(internal_mutexes_held(), 0);
}
#endif

TEST(ShortMutex, AForkedChildTakesItOverFromAThreadOfItsParentAndIsTold) {
  ShortMutex mutex;
  EXPECT_TRUE(mutex.lock());
  mutex.unlock();
  std::atomic<bool> held{false};
  std::atomic<bool> release{false};
  std::thread holder([&] {
    mutex.lock();
    held = true;
    testing::wait_until([&] { return release.load(); });
    mutex.unlock();
  });
  testing::wait_until([&] { return held.load(); });
  std::thread sleeper([&] {  // so that the word says "contended", too
    const ShortLock lock(mutex);
    EXPECT_TRUE(lock.whole());
  });
  testing::sleep_ms(3);
  EXPECT_EQ(run_in_child([&mutex] {
              if (mutex.lock()) return 1;
              mutex.unlock();
              if (!mutex.lock()) return 2;
              mutex.unlock();
              return run_in_child([&mutex] {  // and in a grandchild nothing is left of it
                       const bool whole = mutex.lock();
                       mutex.unlock();
                       return whole ? 7 : 1;
                     }) == 7
                         ? 7
                         : 3;
            }),
            7);
  release = true;
  holder.join();
  sleeper.join();
}

}  // namespace
}  // namespace nativeconc::os
