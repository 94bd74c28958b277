// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// RWLock and a signal handler that uses the lock for which the thread it interrupts waits.
#include <gtest/gtest.h>

#include "actor.hpp"
#include "nativeconc/sync/rwlock.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::Actor;
using Try = RWLock::Try;

// Between two parts of a wait to write, while another thread reads; what a test does next is what a
// handler would do.
class RWLockHandler : public ::testing::Test {
 protected:
  RWLockHandler() {
    reader_.run([this] { EXPECT_EQ(lock_.try_read(), Try::acquired); });
    EXPECT_FALSE(lock_.try_write());
    EXPECT_EQ(lock_.write(Deadline::after(1'000'000), outer_), WaitResult::timed_out);
    others_find(Try::busy);
  }

  void reader_leaves() {
    reader_.run([this] { EXPECT_TRUE(lock_.release_read()); });
  }

  void others_find(Try expected) {
    reader_.run([&] {
      Actor other;
      other.run([&] {
        EXPECT_EQ(lock_.try_read(), expected);
        if (expected == Try::acquired) {
          EXPECT_TRUE(lock_.release_read());
        }
      });
    });
  }

  WaitResult go_on(Deadline deadline = Deadline::never()) { return lock_.write(deadline, outer_); }

  void expect_free() {
    EXPECT_EQ(lock_.readers(), 0U);
    EXPECT_EQ(RWLock::current_turn(&lock_), deadlock::kNobody);
    others_find(Try::acquired);
  }

  RWLock lock_;
  RWLock::WriteWait outer_;
  Actor reader_;
};

TEST_F(RWLockHandler, ItReadsBesideTheReaders) {
  ASSERT_EQ(lock_.try_read(), Try::acquired);
  EXPECT_EQ(lock_.readers(), 2U);
  EXPECT_TRUE(lock_.release_read());
  others_find(Try::busy);
  reader_leaves();
  EXPECT_EQ(go_on(), WaitResult::acquired);
  EXPECT_TRUE(lock_.release_write());
  expect_free();
}

TEST_F(RWLockHandler, ItReadsWhenTheReadersHaveLeft) {
  reader_leaves();
  ASSERT_EQ(lock_.try_read(), Try::acquired);
  EXPECT_TRUE(lock_.release_read());
  EXPECT_EQ(go_on(), WaitResult::acquired);
  EXPECT_TRUE(lock_.release_write());
  expect_free();
}

TEST_F(RWLockHandler, ItWritesAndTheWaitGoesOn) {
  reader_leaves();
  RWLock::WriteWait inner;
  ASSERT_EQ(lock_.write(Deadline::never(), inner), WaitResult::acquired);
  others_find(Try::busy);
  EXPECT_TRUE(lock_.release_write());
  others_find(Try::acquired);
  EXPECT_EQ(go_on(), WaitResult::acquired);
  EXPECT_TRUE(lock_.release_write());
  expect_free();
}

TEST_F(RWLockHandler, ItGivesUpAndTheWaitGoesOn) {
  RWLock::WriteWait inner;
  EXPECT_EQ(lock_.write(Deadline::after(1'000'000), inner), WaitResult::timed_out);
  lock_.give_up(inner);
  EXPECT_EQ(go_on(Deadline::after(1'000'000)), WaitResult::timed_out);
  others_find(Try::busy);
  reader_leaves();
  EXPECT_EQ(go_on(), WaitResult::acquired);
  EXPECT_TRUE(lock_.release_write());
  expect_free();
}

TEST_F(RWLockHandler, ItWritesAndRaises) {
  reader_leaves();
  RWLock::WriteWait inner;
  ASSERT_EQ(lock_.write(Deadline::never(), inner), WaitResult::acquired);
  EXPECT_TRUE(lock_.release_write());
  lock_.give_up(outer_);
  expect_free();
}

TEST_F(RWLockHandler, ItGivesUpAndRaises) {
  RWLock::WriteWait inner;
  EXPECT_EQ(lock_.write(Deadline::after(1'000'000), inner), WaitResult::timed_out);
  lock_.give_up(inner);
  lock_.give_up(outer_);
  others_find(Try::acquired);
  reader_leaves();
  expect_free();
}

TEST_F(RWLockHandler, AWriteThatItKeepsIsCountedBesideTheOneThatWasWaitedFor) {
  reader_leaves();
  RWLock::WriteWait inner;
  ASSERT_EQ(lock_.write(Deadline::never(), inner), WaitResult::acquired);
  EXPECT_EQ(go_on(), WaitResult::acquired);
  EXPECT_TRUE(lock_.release_write());
  others_find(Try::busy);
  EXPECT_TRUE(lock_.release_write());
  expect_free();
}

TEST_F(RWLockHandler, AWriteThatItKeepsOutlivesTheWaitThatIsGivenUp) {
  reader_leaves();
  RWLock::WriteWait inner;
  ASSERT_EQ(lock_.write(Deadline::never(), inner), WaitResult::acquired);
  lock_.give_up(outer_);
  EXPECT_TRUE(lock_.is_writing());
  others_find(Try::busy);
  EXPECT_TRUE(lock_.release_write());
  expect_free();
}

// The wait can then never end: it must say so, not let its thread write beside itself.
TEST_F(RWLockHandler, AReadThatItKeepsKeepsTheWriterOut) {
  reader_leaves();
  ASSERT_EQ(lock_.try_read(), Try::acquired);
  EXPECT_EQ(go_on(Deadline::after(1'000'000)), WaitResult::timed_out);
  EXPECT_FALSE(lock_.is_writing());
  lock_.give_up(outer_);
  EXPECT_TRUE(lock_.release_read());
  expect_free();
}

// Between two parts of a wait to read, while another thread writes.
class RWLockReadHandler : public ::testing::Test {
 protected:
  RWLockReadHandler() {
    writer_.run([this] { EXPECT_TRUE(lock_.try_write()); });
    EXPECT_EQ(lock_.read(Deadline::after(1'000'000)), WaitResult::timed_out);
    writer_.run([this] { EXPECT_TRUE(lock_.release_write()); });
  }

  // It would wait for itself if it did not see what the handler has done.
  void expect_that_the_wait_ends() {
    EXPECT_EQ(lock_.read(Deadline::after(1'000'000)), WaitResult::acquired);
    EXPECT_TRUE(lock_.release_read());
  }

  RWLock lock_;
  Actor writer_;
};

TEST_F(RWLockReadHandler, AWriteThatItKeepsEndsTheWait) {
  ASSERT_TRUE(lock_.try_write());
  expect_that_the_wait_ends();
  EXPECT_TRUE(lock_.is_writing());
  EXPECT_TRUE(lock_.release_write());
  EXPECT_EQ(lock_.readers(), 0U);
}

TEST_F(RWLockReadHandler, AReadThatItKeepsEndsTheWaitThoughAWriterHasComeSince) {
  ASSERT_EQ(lock_.try_read(), Try::acquired);
  RWLock::WriteWait wait;
  writer_.run(
      [&] { EXPECT_EQ(lock_.write(Deadline::after(1'000'000), wait), WaitResult::timed_out); });
  expect_that_the_wait_ends();
  EXPECT_EQ(lock_.own_reads(), 1U);
  EXPECT_TRUE(lock_.release_read());
  writer_.run([&] {
    EXPECT_EQ(lock_.write(Deadline::never(), wait), WaitResult::acquired);
    EXPECT_TRUE(lock_.release_write());
  });
}

}  // namespace
}  // namespace nativeconc::sync
