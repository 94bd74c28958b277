// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// RWLock in a forked child: what the forking thread keeps, whom the child forgets, and whom it
// names.
#include <gtest/gtest.h>

#include <atomic>
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
using testing::run_in_child;
using testing::run_threads;

TEST(RWLockFork, TheForkingThreadKeepsItsReadAndForgetsTheWriterThatWaited) {
  RWLock lock;
  ASSERT_EQ(lock.try_read(), Try::acquired);
  ASSERT_EQ(lock.try_read(), Try::acquired);
  std::thread writer([&] {
    EXPECT_EQ(write(lock), WaitResult::acquired);
    EXPECT_TRUE(lock.release_write());
  });
  testing::wait_until([&] { return RWLock::current_turn(&lock) != deadlock::kNobody; });
  testing::sleep_ms(2);
  EXPECT_EQ(run_in_child([&lock] {
              if (lock.own_reads() != 2 || lock.readers() != 1) return 1;
              if (!lock.release_read() || !lock.release_read() || lock.release_read()) return 2;
              if (lock.try_read() != Try::acquired || !lock.release_read()) return 3;
              if (write(lock) != WaitResult::acquired || !lock.release_write()) return 4;
              if (!testing::kThreadsAfterFork) return 7;
              int counter = 0;
              run_threads(3, [&](int) {
                for (int i = 0; i < 200; ++i) {
                  if (write(lock) != WaitResult::acquired) return;
                  ++counter;
                  lock.release_write();
                  if (read(lock) == WaitResult::acquired) lock.release_read();
                }
              });
              return counter == 600 ? 7 : 5;
            }),
            7);
  EXPECT_TRUE(lock.release_read());
  EXPECT_TRUE(lock.release_read());
  writer.join();
  expect_free(lock);
}

TEST(RWLockFork, TheForkingThreadKeepsItsWriteAndForgetsThoseWhoWaited) {
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  std::thread reader([&] {
    EXPECT_EQ(read(lock), WaitResult::acquired);
    EXPECT_TRUE(lock.release_read());
  });
  std::thread writer([&] {
    EXPECT_EQ(write(lock), WaitResult::acquired);
    EXPECT_TRUE(lock.release_write());
  });
  testing::sleep_ms(5);
  EXPECT_EQ(run_in_child([&lock] {
              if (!lock.is_writing() || !lock.try_write() || !lock.release_write()) return 1;
              if (lock.downgrade() != Downgrade::done) return 2;
              if (lock.readers() != 1 || !lock.release_read()) return 3;
              return write(lock) == WaitResult::acquired && lock.release_write() ? 7 : 4;
            }),
            7);
  EXPECT_TRUE(lock.release_write());
  reader.join();
  writer.join();
  expect_free(lock);
}

// While `hold` is held by another thread, what does a child find?
template <class Hold, class Release, class Child>
int child_of_a_holder(Hold hold, Release release, Child child) {
  std::atomic<bool> held{false};
  std::atomic<bool> stop{false};
  std::thread holder([&] {
    hold();
    held = true;
    testing::wait_until([&] { return stop.load(); });
    release();
  });
  testing::wait_until([&] { return held.load(); });
  const int status = run_in_child(child);
  stop = true;
  holder.join();
  return status;
}

TEST(RWLockFork, AReaderThatWasLostKeepsWritersOutAndNotReaders) {
  RWLock lock;
  EXPECT_EQ(
      child_of_a_holder([&] { EXPECT_EQ(read(lock), WaitResult::acquired); },
                        [&] { EXPECT_TRUE(lock.release_read()); },
                        [&lock] {
                          if (lock.own_reads() != 0 || lock.readers() != 1) return 1;
                          if (lock.try_write()) return 2;
                          if (write(lock, Deadline::after(1'000'000)) != WaitResult::timed_out)
                            return 3;
                          if (lock.try_read() != Try::acquired || !lock.release_read()) return 4;
                          return lock.release_read() ? 5 : 7;
                        }),
      7);
  expect_free(lock);
}

TEST(RWLockFork, AWriterThatWasLostKeepsEverybodyOut) {
  RWLock lock;
  EXPECT_EQ(
      child_of_a_holder([&] { EXPECT_EQ(write(lock), WaitResult::acquired); },
                        [&] { EXPECT_TRUE(lock.release_write()); },
                        [&lock] {
                          if (lock.is_writing() || lock.release_write()) return 1;
                          if (lock.try_write() || lock.try_read() != Try::busy) return 2;
                          if (read(lock, Deadline::after(1'000'000)) != WaitResult::timed_out)
                            return 3;
                          if (write(lock, Deadline::after(1'000'000)) != WaitResult::timed_out)
                            return 4;
                          const ThreadId writer = lock.writer();
                          return deadlock::thread_info(writer).fate == deadlock::Fate::lost ? 7 : 5;
                        }),
      7);
  expect_free(lock);
}

// Is there a thread of which it is known that it reads?
bool is_read_by_somebody(RWLock& lock) {
  bool found = false;
  deadlock::ThreadRegistry::instance().for_each([&](const deadlock::ThreadRecord& record) {
    found = found || record.reads.holds(lock.id());
  });
  return found;
}

// A reader that a writer lets in counts as inside before it has run again.
TEST(RWLockFork, AReaderThatWasLetInAndLostIsKnownOrNotInside) {
  if (!testing::kCanFreeze) GTEST_SKIP() << "TSan delivers signals late";
  testing::Freezer freezer;
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  std::atomic<pid_t> asleep{0};
  std::thread reader([&] {
    asleep = testing::kernel_id();
    EXPECT_EQ(read(lock), WaitResult::acquired);
    EXPECT_TRUE(lock.release_read());
  });
  testing::wait_until_asleep(asleep);
  freezer.freeze(reader);
  EXPECT_TRUE(lock.release_write());
  EXPECT_EQ(run_in_child([&lock] {
              if (write(lock, Deadline::after(1'000'000)) == WaitResult::acquired) return 7;
              return is_read_by_somebody(lock) ? 7 : 1;
            }),
            7)
      << "a child waits for a reader that nobody can name";
  freezer.thaw();
  reader.join();
  expect_free(lock);
}

// Whenever the fork comes: what keeps a child out is a thread that it can name. A reader may be let
// in by a writer before it has run again, and must be known even then.
TEST(RWLockFork, AChildNeverFindsItTakenByNobodyKnows) {
  RWLock lock;
  std::atomic<bool> stop{false};
  std::atomic<int> entries{0};
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&, i] {
      while (!stop) {
        if (i < 2) {
          if (write(lock) == WaitResult::acquired) lock.release_write();
        } else {
          if (read(lock) == WaitResult::acquired) lock.release_read();
        }
        ++entries;
      }
    });
  }
  static_cast<void>(deadlock::this_thread());
  for (int i = 0; i < 40 * kScale && !::testing::Test::HasFailure(); ++i) {
    const int before = entries;
    testing::wait_until([&] { return entries > before; });
    EXPECT_EQ(run_in_child([&lock] {
                if (lock.own_reads() != 0 || lock.is_writing()) return 1;
                const bool known = lock.writer() != deadlock::kNobody || is_read_by_somebody(lock);
                if (write(lock, Deadline::after(1'000'000)) != WaitResult::acquired) {
                  return known ? 7 : 3;
                }
                return lock.release_write() ? 7 : 2;
              }),
              7);
  }
  stop = true;
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace nativeconc::sync
