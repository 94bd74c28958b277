// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// RWLock among many threads: nobody inside beside a writer, nobody left behind, nobody starved.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/sync/rwlock.hpp"
#include "rwlock_support.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::kScale;
using testing::run_threads;

// What the lock protects. Plain memory: with TSan, it also proves that the lock orders it.
struct Guarded {
  std::array<int, 4> cells{};

  void change() {
    for (int& cell : cells) ++cell;
  }
  bool is_whole() const {
    for (const int cell : cells) {
      if (cell != cells[0]) return false;
    }
    return true;
  }
};

// One thread's life with the lock: random entries, nested, downgraded, timed or given up. Returns
// how often it has changed what is guarded.
int live_with(RWLock& lock, Guarded& guarded, std::atomic<int>& readers, std::atomic<int>& writers,
              std::atomic<bool>& wrong, unsigned seed, int rounds) {
  std::mt19937 random(seed);
  const auto chance = [&](unsigned n) { return random() % n == 0; };
  const auto deadline = [&] {
    return chance(2) ? Deadline::never() : Deadline::after(random() % 100'000);
  };
  const auto look = [&] {
    if (writers != 0 || !guarded.is_whole()) wrong = true;
    if (chance(16)) std::this_thread::yield();
  };
  int changes = 0;
  for (int i = 0; i < rounds; ++i) {
    if (!chance(3)) {
      if (chance(4) ? lock.try_read() != Try::acquired
                    : read(lock, deadline()) != WaitResult::acquired) {
        continue;
      }
      ++readers;
      look();
      const bool again = chance(4);
      if (again && read(lock) != WaitResult::acquired) wrong = true;
      look();
      if (again && !lock.release_read()) wrong = true;
      --readers;
      if (!lock.release_read()) wrong = true;
      continue;
    }
    if (chance(4) ? !lock.try_write() : write(lock, deadline()) != WaitResult::acquired) continue;
    if (++writers != 1 || readers != 0) wrong = true;
    guarded.change();
    ++changes;
    const bool again = chance(4);
    if (again && !lock.try_write()) wrong = true;
    const bool reads = chance(4);
    if (reads && lock.try_read() != Try::acquired) wrong = true;
    if (chance(16)) std::this_thread::yield();
    if (again && !lock.release_write()) wrong = true;
    if (readers != 0) wrong = true;
    if (chance(3)) {
      ++readers;
      --writers;
      if (lock.downgrade() != Downgrade::done) wrong = true;
      look();
      if (reads && !lock.release_read()) wrong = true;
      --readers;
      if (!lock.release_read()) wrong = true;
    } else {
      if (reads) ++readers;
      --writers;
      if (!lock.release_write()) wrong = true;
      if (reads) {
        look();
        --readers;
        if (!lock.release_read()) wrong = true;
      }
    }
  }
  return changes;
}

void live_together(int threads, int rounds) {
  RWLock lock;
  Guarded guarded;
  std::atomic<int> readers{0};
  std::atomic<int> writers{0};
  std::atomic<bool> wrong{false};
  std::atomic<int> changes{0};
  run_threads(threads, [&](int seed) {
    changes +=
        live_with(lock, guarded, readers, writers, wrong, static_cast<unsigned>(seed), rounds);
  });
  EXPECT_FALSE(wrong);
  EXPECT_EQ(guarded.cells[0], changes);
  EXPECT_TRUE(guarded.is_whole());
  expect_free(lock);
}

TEST(RWLockStress, NobodyIsInsideBesideAWriter) {
  live_together(2, 4000 * kScale);
  live_together(6, 3000 * kScale);
}

TEST(RWLockStress, StaysWholeThroughAStormOfSignals) {
  const testing::Nudge nudge;
  RWLock lock;
  Guarded guarded;
  std::atomic<int> readers{0};
  std::atomic<int> writers{0};
  std::atomic<bool> wrong{false};
  std::atomic<int> changes{0};
  std::atomic<int> at_work{4};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      changes += live_with(lock, guarded, readers, writers, wrong, seed, 3000 * kScale);
      --at_work;
    });
  }
  for (std::size_t i = 0; at_work > 0; ++i) {
    nudge(threads[i % threads.size()]);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(wrong);
  EXPECT_EQ(guarded.cells[0], changes);
  expect_free(lock);
}

// These two end because nobody starves.
TEST(RWLockStress, AWriterGetsInBesideReadersThatNeverAllLeave) {
  RWLock lock;
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        EXPECT_EQ(read(lock), WaitResult::acquired);
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        EXPECT_TRUE(lock.release_read());
      }
    });
  }
  for (int i = 0; i < 100 * kScale; ++i) {
    ASSERT_EQ(write(lock), WaitResult::acquired);
    ASSERT_EQ(lock.readers(), 0U);
    EXPECT_TRUE(lock.release_write());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  expect_free(lock);
}

TEST(RWLockStress, AReaderGetsInBesideWritersThatNeverStop) {
  RWLock lock;
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&] {
      while (!stop) {
        EXPECT_EQ(write(lock), WaitResult::acquired);
        EXPECT_TRUE(lock.release_write());
      }
    });
  }
  for (int i = 0; i < 300 * kScale; ++i) {
    ASSERT_EQ(read(lock), WaitResult::acquired);
    ASSERT_EQ(lock.writer(), deadlock::kNobody);
    EXPECT_TRUE(lock.release_read());
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  expect_free(lock);
}

}  // namespace
}  // namespace nativeconc::sync
