// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/rwlock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "rwlock_support.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::run_threads;
using testing::sleep_ms;
using testing::wait_until;

// What another thread finds, now.
template <class Question>
auto asked_elsewhere(Question question) {
  return std::async(std::launch::async, question).get();
}

bool others_can_read(RWLock& lock) {
  return asked_elsewhere([&] { return lock.try_read() == Try::acquired && lock.release_read(); });
}

bool others_can_write(RWLock& lock) {
  return asked_elsewhere([&] { return lock.try_write() && lock.release_write(); });
}

// A thread that has announced its write and waits for the readers that are inside.
class PendingWriter {
 public:
  explicit PendingWriter(RWLock& lock)
      : thread_([&lock, this] {
          if (write(lock) != WaitResult::acquired) return;
          inside_ = true;
          wait_until([this] { return may_leave_.load(); });
          lock.release_write();
        }) {
    wait_until(
        [&] { return RWLock::current_turn(&lock) != deadlock::kNobody && !others_can_read(lock); });
  }
  ~PendingWriter() {
    may_leave_ = true;
    thread_.join();
  }
  PendingWriter(const PendingWriter&) = delete;
  PendingWriter& operator=(const PendingWriter&) = delete;

  bool is_inside() const { return inside_; }

 private:
  std::atomic<bool> inside_{false};
  std::atomic<bool> may_leave_{false};
  std::thread thread_;
};

TEST(RWLock, ReadersShareItAndWritersDoNot) {
  RWLock lock;
  ASSERT_EQ(lock.try_read(), Try::acquired);
  EXPECT_TRUE(others_can_read(lock));
  EXPECT_FALSE(others_can_write(lock));
  EXPECT_TRUE(lock.release_read());
  ASSERT_TRUE(lock.try_write());
  EXPECT_EQ(lock.writer(), deadlock::this_thread());
  EXPECT_TRUE(lock.is_writing());
  EXPECT_FALSE(others_can_read(lock));
  EXPECT_FALSE(others_can_write(lock));
  EXPECT_TRUE(lock.release_write());
  expect_free(lock);
}

TEST(RWLock, IsReleasedOnlyByThoseWhoHoldIt) {
  RWLock lock;
  EXPECT_FALSE(lock.release_read());
  EXPECT_FALSE(lock.release_write());
  ASSERT_EQ(lock.try_read(), Try::acquired);
  EXPECT_FALSE(lock.release_write());
  EXPECT_FALSE(asked_elsewhere([&] { return lock.release_read() || lock.release_write(); }));
  EXPECT_EQ(lock.readers(), 1U);
  EXPECT_TRUE(lock.release_read());
  ASSERT_TRUE(lock.try_write());
  EXPECT_FALSE(lock.release_read());
  EXPECT_FALSE(asked_elsewhere([&] { return lock.release_read() || lock.release_write(); }));
  EXPECT_TRUE(lock.release_write());
  expect_free(lock);
}

TEST(RWLock, CountsReadsOfOneThreadOnce) {
  RWLock lock;
  for (std::uint32_t depth = 1; depth <= 4; ++depth) {
    ASSERT_EQ(lock.try_read(), Try::acquired);
    EXPECT_EQ(lock.own_reads(), depth);
  }
  EXPECT_EQ(lock.readers(), 1U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(others_can_write(lock));
    EXPECT_TRUE(lock.release_read());
  }
  expect_free(lock);
}

TEST(RWLock, OneThreadReadsManyLocks) {
  constexpr std::size_t kLocks = 10;  // more than a record has places for at first
  RWLock locks[kLocks];
  for (std::size_t i = 0; i < kLocks; ++i) {
    for (std::size_t k = 0; k <= i; ++k) ASSERT_EQ(locks[i].try_read(), Try::acquired);
  }
  for (std::size_t i = 0; i < kLocks; ++i) {
    EXPECT_EQ(locks[i].own_reads(), i + 1);
    for (std::size_t k = 0; k <= i; ++k) EXPECT_TRUE(locks[i].release_read());
    expect_free(locks[i]);
  }
}

TEST(RWLock, AReaderReadsAgainWhileAWriterWaits) {
  RWLock lock;
  ASSERT_EQ(lock.try_read(), Try::acquired);
  {
    PendingWriter writer(lock);
    EXPECT_EQ(lock.try_read(), Try::acquired);
    EXPECT_EQ(lock.own_reads(), 2U);
    EXPECT_TRUE(lock.release_read());
    EXPECT_FALSE(writer.is_inside());
    EXPECT_TRUE(lock.release_read());
    wait_until([&] { return writer.is_inside(); });
  }
  expect_free(lock);
}

TEST(RWLock, AWriterWritesAgainAndReads) {
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  EXPECT_TRUE(lock.try_write());
  EXPECT_EQ(lock.try_read(), Try::acquired);
  EXPECT_EQ(lock.try_read(), Try::acquired);
  EXPECT_EQ(lock.own_reads(), 2U);
  EXPECT_TRUE(lock.release_read());
  EXPECT_TRUE(lock.release_write());
  EXPECT_TRUE(lock.release_read());
  EXPECT_TRUE(lock.is_writing());
  EXPECT_FALSE(others_can_read(lock));
  EXPECT_TRUE(lock.release_write());
  EXPECT_FALSE(lock.release_write());
  expect_free(lock);
}

TEST(RWLock, AReadInsideAWriteGoesOnWhenTheWriteIsReleasedFirst) {
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  ASSERT_EQ(lock.try_read(), Try::acquired);
  ASSERT_EQ(lock.try_read(), Try::acquired);
  EXPECT_TRUE(lock.release_write());
  EXPECT_FALSE(lock.is_writing());
  EXPECT_EQ(lock.own_reads(), 2U);
  EXPECT_EQ(lock.readers(), 1U);
  EXPECT_TRUE(others_can_read(lock));
  EXPECT_FALSE(others_can_write(lock));
  EXPECT_TRUE(lock.release_read());
  EXPECT_TRUE(lock.release_read());
  expect_free(lock);
}

TEST(RWLock, DowngradesAWriteThatIsHeldOnce) {
  RWLock lock;
  EXPECT_EQ(lock.downgrade(), Downgrade::not_writing);
  ASSERT_EQ(lock.try_read(), Try::acquired);
  EXPECT_EQ(lock.downgrade(), Downgrade::not_writing);
  EXPECT_TRUE(lock.release_read());
  ASSERT_TRUE(lock.try_write());
  ASSERT_TRUE(lock.try_write());
  EXPECT_EQ(lock.downgrade(), Downgrade::nested);
  EXPECT_TRUE(lock.release_write());
  EXPECT_EQ(lock.downgrade(), Downgrade::done);
  EXPECT_FALSE(lock.release_write());
  EXPECT_EQ(lock.own_reads(), 1U);
  EXPECT_TRUE(others_can_read(lock));
  EXPECT_FALSE(others_can_write(lock));
  EXPECT_TRUE(lock.release_read());
  expect_free(lock);
}

TEST(RWLock, DowngradingLetsWaitingReadersInBeforeTheNextWriter) {
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  std::atomic<bool> written{false};
  std::atomic<int> entered{0};  // never falls, so no reader can miss that it reached three
  std::atomic<int> inside{0};
  std::thread writer([&] {
    EXPECT_EQ(write(lock), WaitResult::acquired);
    EXPECT_EQ(inside, 0);
    written = true;
    EXPECT_TRUE(lock.release_write());
  });
  std::atomic<pid_t> asleep[3] = {};
  std::vector<std::thread> readers;
  for (std::atomic<pid_t>& mine : asleep) {
    readers.emplace_back([&] {
      mine = testing::kernel_id();
      EXPECT_EQ(read(lock), WaitResult::acquired);
      ++inside;
      ++entered;
      wait_until([&] { return entered == 3 || written; });
      EXPECT_FALSE(written);
      sleep_ms(2);
      --inside;
      EXPECT_TRUE(lock.release_read());
    });
  }
  for (const std::atomic<pid_t>& reader : asleep) testing::wait_until_asleep(reader);
  EXPECT_EQ(lock.downgrade(), Downgrade::done);
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(written) << "the one that downgraded reads still";
  EXPECT_TRUE(lock.release_read());
  writer.join();
  expect_free(lock);
}

TEST(RWLock, TimesOutAndLeavesNothingBehind) {
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  run_threads(1, [&](int) {
    for (const Deadline deadline : {Deadline::expired(), Deadline::after(5'000'000)}) {
      EXPECT_EQ(read(lock, deadline), WaitResult::timed_out);
      EXPECT_EQ(lock.own_reads(), 0U);
      EXPECT_EQ(write(lock, deadline), WaitResult::timed_out);
      EXPECT_FALSE(lock.is_writing());
    }
  });
  EXPECT_TRUE(lock.release_write());
  expect_free(lock);
  ASSERT_EQ(lock.try_read(), Try::acquired);
  run_threads(1, [&](int) {
    for (const Deadline deadline : {Deadline::expired(), Deadline::after(5'000'000)}) {
      EXPECT_EQ(write(lock, deadline), WaitResult::timed_out);
    }
    EXPECT_EQ(lock.try_read(), Try::acquired) << "the writer that gave up holds nobody up";
    EXPECT_TRUE(lock.release_read());
  });
  EXPECT_TRUE(lock.release_read());
  expect_free(lock);
}

TEST(RWLock, AWriterThatGivesUpLetsTheReadersInThatWaitedForIt) {
  RWLock lock;
  ASSERT_EQ(lock.try_read(), Try::acquired);
  std::atomic<bool> gave_up{false};
  std::thread writer([&] {
    EXPECT_EQ(write(lock, Deadline::after(30'000'000)), WaitResult::timed_out);
    gave_up = true;
  });
  wait_until([&] { return !others_can_read(lock) || lock.readers() != 1 || gave_up; });
  run_threads(3, [&](int) {
    EXPECT_EQ(read(lock), WaitResult::acquired);
    EXPECT_TRUE(lock.release_read());
  });
  writer.join();
  EXPECT_TRUE(lock.release_read());
  expect_free(lock);
}

TEST(RWLock, AWriteWaitKeepsItsPlaceFromCallToCall) {
  RWLock lock;
  ASSERT_EQ(lock.try_read(), Try::acquired);
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::thread writer([&] {
    RWLock::WriteWait wait;
    while (lock.write(Deadline::after(1'000'000), wait) != WaitResult::acquired) ++calls;
    EXPECT_TRUE(lock.is_writing());
    EXPECT_TRUE(lock.release_write());
  });
  wait_until([&] { return calls >= 3; });
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(others_can_read(lock));
    sleep_ms(1);
  }
  EXPECT_TRUE(lock.release_read());
  writer.join();
  expect_free(lock);
}

TEST(RWLock, ReadersThatComeWhileAWriterWaitsLetItGoFirst) {
  RWLock lock;
  ASSERT_EQ(lock.try_read(), Try::acquired);
  std::vector<std::thread> readers;
  std::atomic<int> started{0};
  std::atomic<bool> writer_went_first{false};
  {
    PendingWriter writer(lock);
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        ++started;
        EXPECT_EQ(read(lock), WaitResult::acquired);
        EXPECT_TRUE(writer_went_first);
        EXPECT_TRUE(lock.release_read());
      });
    }
    wait_until([&] { return started == 3; });
    sleep_ms(5);
    EXPECT_EQ(lock.readers(), 1U);
    EXPECT_TRUE(lock.release_read());
    wait_until([&] { return writer.is_inside(); });
    writer_went_first = true;
    sleep_ms(2);
    EXPECT_EQ(lock.readers(), 0U);
    EXPECT_NE(lock.writer(), deadlock::kNobody);
  }
  for (std::thread& reader : readers) reader.join();
  expect_free(lock);
}

TEST(RWLock, AllReadersThatWaitedGoBeforeTheNextWriter) {
  RWLock lock;
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(lock.try_write());
    std::mutex mutex;
    std::string log;
    const auto note = [&](char who) {
      const std::lock_guard guard(mutex);
      log += who;
    };
    std::thread writer([&] {
      EXPECT_EQ(write(lock), WaitResult::acquired);
      note('w');
      EXPECT_TRUE(lock.release_write());
    });
    std::atomic<pid_t> asleep[3] = {};
    std::vector<std::thread> readers;
    for (std::atomic<pid_t>& mine : asleep) {
      readers.emplace_back([&] {
        mine = testing::kernel_id();
        EXPECT_EQ(read(lock), WaitResult::acquired);
        note('r');
        EXPECT_TRUE(lock.release_read());
      });
    }
    for (const std::atomic<pid_t>& reader : asleep) testing::wait_until_asleep(reader);
    EXPECT_TRUE(lock.release_write());
    writer.join();
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(log, "rrrw");
  }
  expect_free(lock);
}

TEST(RWLock, ReportsSignalsToReadersAndWriters) {
  const testing::Nudge nudge;
  RWLock lock;
  for (const bool writes : {false, true}) {
    ASSERT_TRUE(lock.try_write());
    std::atomic<int> interruptions{0};
    std::thread waiter([&] {
      RWLock::WriteWait wait;
      for (;;) {
        const WaitResult result =
            writes ? lock.write(Deadline::never(), wait) : lock.read(Deadline::never());
        if (result == WaitResult::acquired) break;
        EXPECT_EQ(result, WaitResult::interrupted);
        EXPECT_EQ(lock.own_reads(), 0U);
        EXPECT_FALSE(lock.is_writing());
        ++interruptions;
      }
      EXPECT_TRUE(writes ? lock.release_write() : lock.release_read());
    });
    while (interruptions < 5) {
      nudge(waiter);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    EXPECT_TRUE(lock.release_write());
    waiter.join();
  }
  expect_free(lock);
}

}  // namespace
}  // namespace nativeconc::sync
