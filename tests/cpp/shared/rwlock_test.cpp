// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Reader-writer locks between processes that live.
#include "nativeconc/shared/rwlock.hpp"

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "rwlock_support.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::join_child;
using testing::kill_child;
using testing::run_threads;
using testing::Shared;
using testing::sleep_ms;
using testing::start_child;
using testing::wait_until;

TEST(SharedRWLock, ReadersShareItAndWritersDoNot) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_read(*lock), Read::acquired);
  EXPECT_TRUE(others_can_read(*lock));
  EXPECT_FALSE(others_can_write(*lock));
  EXPECT_TRUE(others_can_read(*lock)) << "a try to write leaves it open";
  EXPECT_TRUE(release_read(*lock));
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  EXPECT_EQ(lock->writer(), this_thread_number());
  EXPECT_FALSE(others_can_read(*lock));
  EXPECT_FALSE(others_can_write(*lock));
  EXPECT_TRUE(release_write(*lock));
  expect_free(*lock);
}

TEST(SharedRWLock, IsReleasedOnlyByThoseWhoHoldIt) {
  Shared<RWLock> lock;
  const auto others_release = [&] {
    return asked_elsewhere([&] { return release_read(*lock) || release_write(*lock); });
  };
  EXPECT_FALSE(release_read(*lock));
  EXPECT_FALSE(release_write(*lock));
  ASSERT_EQ(try_read(*lock), Read::acquired);
  EXPECT_FALSE(release_write(*lock));
  EXPECT_FALSE(others_release()) << "not even by a child of the one that does";
  EXPECT_EQ(lock->readers(), 1U);
  EXPECT_TRUE(release_read(*lock));
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  EXPECT_FALSE(release_read(*lock));
  EXPECT_FALSE(others_release());
  EXPECT_TRUE(release_write(*lock));
  expect_free(*lock);
}

TEST(SharedRWLock, CountsReadsOfOneThreadOnce) {
  Shared<RWLock> lock;
  for (std::uint32_t depth = 1; depth <= 4; ++depth) {
    ASSERT_EQ(try_read(*lock), Read::acquired);
    EXPECT_EQ(lock->own_reads(this_thread_number()), depth);
  }
  EXPECT_EQ(lock->readers(), 1U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(others_can_write(*lock));
    EXPECT_TRUE(release_read(*lock));
  }
  expect_free(*lock);
}

TEST(SharedRWLock, AReaderReadsAgainWhileAWriterWaits) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_read(*lock), Read::acquired);
  const pid_t writer = start_pending_writer(*lock);
  EXPECT_EQ(read(*lock), Read::acquired);
  EXPECT_EQ(lock->own_reads(this_thread_number()), 2U);
  EXPECT_TRUE(release_read(*lock));
  EXPECT_EQ(lock->writer(), kNobody);
  EXPECT_TRUE(release_read(*lock));
  wait_until([&] { return lock->writer() != kNobody; });
  kill_child(writer);
}

TEST(SharedRWLock, AWriterWritesAgainAndReads) {
  Shared<RWLock> lock;
  const ThreadNumber me = this_thread_number();
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  EXPECT_EQ(write(*lock), Entry::acquired);
  EXPECT_EQ(lock->own_writes(me), 2U);
  EXPECT_EQ(try_read(*lock), Read::acquired);
  EXPECT_EQ(try_read(*lock), Read::acquired);
  EXPECT_EQ(lock->own_reads(me), 2U);
  EXPECT_TRUE(release_read(*lock));
  EXPECT_TRUE(release_write(*lock));
  EXPECT_TRUE(release_read(*lock));
  EXPECT_TRUE(lock->is_writing(me));
  EXPECT_FALSE(others_can_read(*lock));
  EXPECT_TRUE(release_write(*lock));
  EXPECT_FALSE(release_write(*lock));
  expect_free(*lock);
}

TEST(SharedRWLock, AReadInsideAWriteGoesOnWhenTheWriteIsReleasedFirst) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  ASSERT_EQ(try_read(*lock), Read::acquired);
  ASSERT_EQ(try_read(*lock), Read::acquired);
  EXPECT_TRUE(release_write(*lock));
  EXPECT_FALSE(lock->is_writing(this_thread_number()));
  EXPECT_EQ(lock->own_reads(this_thread_number()), 2U);
  EXPECT_TRUE(others_can_read(*lock));
  EXPECT_FALSE(others_can_write(*lock));
  EXPECT_TRUE(release_read(*lock));
  EXPECT_TRUE(release_read(*lock));
  expect_free(*lock);
}

TEST(SharedRWLock, DowngradesAWriteThatIsHeldOnce) {
  Shared<RWLock> lock;
  const ThreadNumber me = this_thread_number();
  EXPECT_EQ(lock->downgrade(me), Downgrade::not_writing);
  ASSERT_EQ(try_read(*lock), Read::acquired);
  EXPECT_EQ(lock->downgrade(me), Downgrade::not_writing);
  EXPECT_TRUE(release_read(*lock));
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  EXPECT_EQ(lock->downgrade(me), Downgrade::nested);
  EXPECT_TRUE(release_write(*lock));
  EXPECT_EQ(lock->downgrade(me), Downgrade::done);
  EXPECT_FALSE(release_write(*lock));
  EXPECT_EQ(lock->own_reads(me), 1U);
  EXPECT_TRUE(others_can_read(*lock));
  EXPECT_FALSE(others_can_write(*lock));
  EXPECT_TRUE(release_read(*lock));
  expect_free(*lock);
}

// Children that wait to read, all asleep, and a thread that waits to write: who goes first?
TEST(SharedRWLock, AllReadersThatWaitedGoBeforeTheNextWriter) {
  for (const bool downgrades : {false, true}) {
    Shared<RWLock> lock;
    ASSERT_EQ(try_write(*lock), Entry::acquired);
    Shared<std::atomic<int>> asking;
    Shared<std::atomic<int>> entered;
    Shared<std::atomic<bool>> written;
    std::vector<pid_t> readers;
    for (int i = 0; i < 3; ++i) {
      readers.push_back(start_child([&] {
        ++*asking;
        EXPECT_EQ(read(*lock), Read::acquired);
        ++*entered;
        sleep_ms(2);
        EXPECT_FALSE(*written);
        EXPECT_TRUE(release_read(*lock));
      }));
    }
    const pid_t writer = start_child([&] {
      ++*asking;
      EXPECT_EQ(write(*lock), Entry::acquired);
      EXPECT_EQ(*entered, 3);
      *written = true;
      EXPECT_TRUE(release_write(*lock));
    });
    wait_until([&] { return *asking == 4; });
    sleep_ms(100);
    if (downgrades) {
      EXPECT_EQ(lock->downgrade(this_thread_number()), Downgrade::done);
    } else {
      EXPECT_TRUE(release_write(*lock));
    }
    for (const pid_t reader : readers) join_child(reader);
    if (downgrades) {
      EXPECT_FALSE(*written) << "the one that downgraded reads still";
      EXPECT_TRUE(release_read(*lock));
    }
    join_child(writer);
    expect_free(*lock);
  }
}

TEST(SharedRWLock, TimesOutAndLeavesNothingBehind) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  in_child([&] {
    for (const Deadline deadline : {Deadline::expired(), Deadline::after(25'000'000)}) {
      EXPECT_EQ(read(*lock, deadline), Read::timed_out);
      EXPECT_EQ(lock->own_reads(this_thread_number()), 0U);
      EXPECT_EQ(write(*lock, deadline), Entry::timed_out);
      EXPECT_FALSE(lock->is_writing(this_thread_number()));
    }
  });
  EXPECT_TRUE(release_write(*lock));
  expect_free(*lock);
  ASSERT_EQ(try_read(*lock), Read::acquired);
  in_child([&] {
    for (const Deadline deadline : {Deadline::expired(), Deadline::after(25'000'000)}) {
      EXPECT_EQ(write(*lock, deadline), Entry::timed_out);
    }
    EXPECT_EQ(try_read(*lock), Read::acquired) << "the writer that gave up holds nobody up";
    EXPECT_TRUE(release_read(*lock));
  });
  EXPECT_TRUE(release_read(*lock));
  expect_free(*lock);
}

TEST(SharedRWLock, AWriterThatGivesUpLetsTheReadersInThatWaitedForIt) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_read(*lock), Read::acquired);
  Shared<std::atomic<bool>> gave_up;
  const pid_t writer = start_child([&] {
    EXPECT_EQ(write(*lock, Deadline::after(60'000'000)), Entry::timed_out);
    *gave_up = true;
  });
  wait_until([&] { return lock->turn() != kNobody || *gave_up; });
  run_threads(3, [&](int) {
    EXPECT_EQ(read(*lock), Read::acquired);
    EXPECT_TRUE(release_read(*lock));
  });
  join_child(writer);
  EXPECT_TRUE(release_read(*lock));
  expect_free(*lock);
}

TEST(SharedRWLock, ReadersThatComeWhileAWriterWaitsLetItGoFirst) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_read(*lock), Read::acquired);
  Shared<std::atomic<bool>> has_written;
  const pid_t writer = start_child([&] {
    EXPECT_EQ(write(*lock), Entry::acquired);
    *has_written = true;
    EXPECT_TRUE(release_write(*lock));
  });
  wait_until([&] { return lock->turn() != kNobody && !others_can_read(*lock); });
  std::vector<pid_t> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(start_child([&] {
      EXPECT_EQ(read(*lock), Read::acquired);
      EXPECT_TRUE(*has_written);
      EXPECT_TRUE(release_read(*lock));
    }));
  }
  sleep_ms(50);
  EXPECT_EQ(lock->readers(), 1U);
  EXPECT_TRUE(release_read(*lock));
  join_child(writer);
  for (const pid_t reader : readers) join_child(reader);
  expect_free(*lock);
}

TEST(SharedRWLock, ReportsSignalsToReadersAndWriters) {
  const testing::Nudge nudge;
  Shared<RWLock> lock;
  for (const bool writes : {false, true}) {
    ASSERT_EQ(try_write(*lock), Entry::acquired);
    std::atomic<int> interruptions{0};
    std::thread waiter([&] {
      const ThreadNumber me = this_thread_number();
      RWLock::WriteWait wait;
      for (;;) {
        bool is_in = false;
        if (writes) {
          const Entry entry = lock->write(me, Deadline::never(), wait, IfDead::leave_in_doubt);
          is_in = entry == Entry::acquired;
          EXPECT_TRUE(is_in || entry == Entry::interrupted);
        } else {
          const Read entry = lock->read(me, Deadline::never());
          is_in = entry == Read::acquired;
          EXPECT_TRUE(is_in || entry == Read::interrupted);
        }
        if (is_in) break;
        EXPECT_EQ(lock->own_reads(me), 0U);
        EXPECT_FALSE(lock->is_writing(me));
        ++interruptions;
      }
      EXPECT_TRUE(writes ? release_write(*lock) : release_read(*lock));
    });
    while (interruptions < 5) {
      nudge(waiter);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    EXPECT_TRUE(release_write(*lock));
    waiter.join();
  }
  expect_free(*lock);
}

TEST(SharedRWLock, AWriteWaitKeepsItsPlaceFromCallToCall) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_read(*lock), Read::acquired);
  std::atomic<int> calls{0};
  std::thread writer([&] {
    const ThreadNumber me = this_thread_number();
    RWLock::WriteWait wait;
    while (lock->write(me, Deadline::after(1'000'000), wait, IfDead::leave_in_doubt) !=
           Entry::acquired) {
      ++calls;
    }
    EXPECT_TRUE(release_write(*lock));
  });
  wait_until([&] { return calls >= 3; });
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(others_can_read(*lock));
    sleep_ms(1);
  }
  EXPECT_TRUE(release_read(*lock));
  writer.join();
  expect_free(*lock);
}

TEST(SharedRWLock, ItTakesSoManyReadersAndRefusesTheNext) {
  Shared<RWLock> lock;
  const ThreadNumber me = this_thread_number();
  std::vector<std::thread> threads;
  std::atomic<bool> may_go{false};
  std::atomic<int> in{0};
  for (std::size_t i = 0; i < ReaderTable::kEntries; ++i) {
    threads.emplace_back([&] {
      EXPECT_EQ(try_read(*lock), Read::acquired);
      ++in;
      may_go.wait(false);
      EXPECT_TRUE(release_read(*lock));
    });
  }
  wait_until([&] { return in == static_cast<int>(ReaderTable::kEntries); });
  EXPECT_EQ(lock->readers(), ReaderTable::kEntries);
  EXPECT_EQ(try_read(*lock), Read::full);
  EXPECT_EQ(lock->read(me, Deadline::expired()), Read::full);
  EXPECT_FALSE(others_can_write(*lock));
  may_go = true;
  may_go.notify_all();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(try_read(*lock), Read::acquired);
  EXPECT_TRUE(release_read(*lock));
  expect_free(*lock);
}

}  // namespace
}  // namespace nativeconc::shared
