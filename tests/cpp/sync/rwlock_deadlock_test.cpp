// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// RWLock in the wait-for graph: what is a circle, and what only looks like one.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "actor.hpp"
#include "nativeconc/deadlock/wait_graph.hpp"
#include "nativeconc/sync/rlock.hpp"
#include "nativeconc/sync/rwlock.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using deadlock::Finding;
using deadlock::Mode;
using deadlock::Want;
using testing::Actor;
using Try = RWLock::Try;

ThreadId me() { return deadlock::this_thread(); }

// As the seam announces them.
Want to_read(RWLock& lock) {
  Want want;
  want.mode = Mode::read;
  want.owned = &lock;
  want.owner = RWLock::current_turn;
  want.owned_as = Mode::write;
  want.is_through = RWLock::has_let_in;
  want.readers_of = lock.id();
  want.is_inside = RWLock::is_written;
  return want;
}

Want to_write(RWLock& lock, const RWLock::WriteWait&) {
  Want want;
  want.mode = Mode::write;
  want.owned = &lock;
  want.owner = RWLock::current_turn;
  want.owned_as = Mode::write;
  want.readers_of = lock.id();
  want.is_inside = RWLock::is_written;
  return want;
}

Want to_take(RLock& lock) {
  Want want;
  want.owned = &lock;
  want.owner = [](const void* owned) { return static_cast<const RLock*>(owned)->lock().owner(); };
  return want;
}

Finding announce(const Want& want) {
  return deadlock::begin_wait(want, deadlock::next_call()).finding;
}

deadlock::Deadlock look() {
  return deadlock::examine([](const deadlock::Party&) {});
}

// Waits for a moment, in vain, and stays the next writer.
Finding become_the_next_writer(RWLock& lock, RWLock::WriteWait& wait) {
  EXPECT_EQ(lock.write(Deadline::after(1'000'000), wait), WaitResult::timed_out);
  EXPECT_TRUE(wait.has_turn);
  return announce(to_write(lock, wait));
}

TEST(RWLockDeadlock, AReaderAndAWriterThatWaitForEachOtherAreFoundByBoth) {
  RWLock lock;
  RLock other;
  Actor reader;
  Actor writer;
  RWLock::WriteWait wait;
  reader.run([&] { ASSERT_EQ(lock.try_read(), Try::acquired); });
  writer.run([&] {
    ASSERT_TRUE(other.try_acquire(me()));
    EXPECT_EQ(become_the_next_writer(lock, wait), Finding::nothing);
  });
  reader.run([&] {
    EXPECT_EQ(announce(to_take(other)), Finding::cycle);
    const deadlock::Deadlock found = look();
    EXPECT_TRUE(found.certain);
    ASSERT_EQ(found.parties.size(), 2U);
    EXPECT_EQ(found.parties[0].id, me());
    EXPECT_EQ(found.parties[0].holds_as, Mode::read);
    EXPECT_EQ(found.parties[1].want.mode, Mode::write);
  });
  writer.run([&] {
    EXPECT_EQ(look().finding, Finding::cycle);
    deadlock::end_wait();
    lock.give_up(wait);
    EXPECT_TRUE(other.release(me()));
  });
  reader.run([&] {
    EXPECT_EQ(look().finding, Finding::nothing);
    deadlock::end_wait();
    EXPECT_TRUE(lock.release_read());
  });
}

TEST(RWLockDeadlock, ANewReaderWaitsForTheWriterThatWaitsForAnOldOne) {
  RWLock lock;
  RLock other;
  Actor old_reader;
  Actor new_reader;
  Actor writer;
  RWLock::WriteWait wait;
  old_reader.run([&] { ASSERT_EQ(lock.try_read(), Try::acquired); });
  writer.run([&] { EXPECT_EQ(become_the_next_writer(lock, wait), Finding::nothing); });
  new_reader.run([&] {
    ASSERT_TRUE(other.try_acquire(me()));
    ASSERT_EQ(lock.try_read(), Try::busy);
    EXPECT_EQ(announce(to_read(lock)), Finding::nothing);
  });
  old_reader.run([&] {
    EXPECT_EQ(announce(to_take(other)), Finding::cycle);
    // The writer between them only waits in the same line: it is a bystander.
    EXPECT_EQ(look().parties.size(), 2U);
    deadlock::end_wait();
    EXPECT_TRUE(lock.release_read());
  });
  new_reader.run([&] {
    deadlock::end_wait();
    EXPECT_TRUE(other.release(me()));
  });
  writer.run([&] {
    deadlock::end_wait();
    lock.give_up(wait);
  });
}

// It has got what it announced that it wants, and has not yet withdrawn that.
TEST(RWLockDeadlock, AReaderThatHasJustGotInDoesNotWaitForTheNextWriter) {
  RWLock lock;
  ASSERT_TRUE(lock.try_write());
  std::atomic<bool> inside{false};
  std::atomic<bool> withdraw{false};
  std::thread reader([&] {
    EXPECT_EQ(announce(to_read(lock)), Finding::nothing);
    EXPECT_EQ(lock.read(Deadline::never()), WaitResult::acquired);
    inside = true;
    testing::wait_until([&] { return withdraw.load(); });
    deadlock::end_wait();
    EXPECT_TRUE(lock.release_read());
  });
  testing::sleep_ms(5);
  EXPECT_TRUE(lock.release_write());
  testing::wait_until([&] { return inside.load(); });
  Actor writer;
  writer.run([&] {
    RWLock::WriteWait wait;
    EXPECT_EQ(become_the_next_writer(lock, wait), Finding::nothing)
        << "the reader is inside, and about to go on";
    deadlock::end_wait();
    lock.give_up(wait);
  });
  withdraw = true;
  reader.join();
}

// It has been let in, and has not yet run since.
TEST(RWLockDeadlock, AReaderThatHasBeenLetInDoesNotWaitForTheNextWriter) {
  if (!testing::kCanFreeze) GTEST_SKIP() << "TSan delivers signals late";
  testing::Freezer freezer;
  RWLock lock;
  RLock other;
  ASSERT_TRUE(lock.try_write());
  std::atomic<pid_t> asleep{0};
  std::thread slow([&] {
    EXPECT_TRUE(other.try_acquire(me()));
    EXPECT_EQ(announce(to_read(lock)), Finding::nothing);
    asleep = testing::kernel_id();
    EXPECT_EQ(lock.read(Deadline::never()), WaitResult::acquired);
    deadlock::end_wait();
    EXPECT_TRUE(lock.release_read());
    EXPECT_TRUE(other.release(me()));
  });
  testing::wait_until_asleep(asleep);
  freezer.freeze(slow);
  EXPECT_TRUE(lock.release_write());
  Actor reader;
  Actor writer;
  RWLock::WriteWait wait;
  reader.run([&] { EXPECT_EQ(lock.try_read(), Try::acquired); });
  writer.run([&] { EXPECT_EQ(become_the_next_writer(lock, wait), Finding::nothing); });
  reader.run([&] {
    EXPECT_EQ(announce(to_take(other)), Finding::nothing)
        << "the owner of what it wants is inside, and about to go on";
    deadlock::end_wait();
    EXPECT_TRUE(lock.release_read());
  });
  writer.run([&] {
    deadlock::end_wait();
    lock.give_up(wait);
  });
  freezer.thaw();
  slow.join();
}

// One lock, and nobody wants it who has it: there is nothing to find, whenever one looks.
TEST(RWLockDeadlock, ReadersAndWritersOfOneLockAreNeverACircle) {
  RWLock lock;
  std::atomic<int> found{0};
  testing::run_threads(6, [&](int i) {
    for (int round = 0; round < 3000 * testing::kScale; ++round) {
      if (i % 2 == 0) {
        if (lock.try_read() != Try::acquired) {
          if (announce(to_read(lock)) != Finding::nothing) ++found;
          EXPECT_EQ(lock.read(Deadline::never()), WaitResult::acquired);
          deadlock::end_wait();
        }
        if (round % 16 == 0) std::this_thread::yield();
        lock.release_read();
      } else {
        RWLock::WriteWait wait;
        for (bool inside = lock.try_write(); !inside;) {
          if (announce(to_write(lock, wait)) != Finding::nothing) ++found;
          inside = lock.write(Deadline::after(20'000), wait) == WaitResult::acquired;
          deadlock::end_wait();
        }
        if (round % 16 == 0) std::this_thread::yield();
        lock.release_write();
      }
    }
  });
  EXPECT_EQ(found, 0);
}

TEST(RWLockDeadlock, AReaderThatHasEndedKeepsAWriterWaitingForEver) {
  RWLock lock;
  std::thread([&] { EXPECT_EQ(lock.try_read(), Try::acquired); }).join();
  Actor writer;
  writer.run([&] {
    RWLock::WriteWait wait;
    EXPECT_EQ(become_the_next_writer(lock, wait), Finding::exited);
    deadlock::end_wait();
    lock.give_up(wait);
  });
}

TEST(RWLockDeadlock, AReaderThatHasEndedIsNotForgottenHoweverManyEndAfterIt) {
  RWLock lock;
  std::thread([&] { EXPECT_EQ(lock.try_read(), Try::acquired); }).join();
  for (int i = 0; i < 1100; ++i) {
    std::thread([] { static_cast<void>(me()); }).join();
  }
  Actor writer;
  writer.run([&] {
    RWLock::WriteWait wait;
    EXPECT_EQ(become_the_next_writer(lock, wait), Finding::exited);
    deadlock::end_wait();
    lock.give_up(wait);
  });
}

// The next writer, in a signal handler that has interrupted its wait to write: that wait has a time
// limit, and the handler waits for `other`.
class RWLockAwayWriter : public ::testing::Test {
 protected:
  RWLockAwayWriter() {
    reader_.run([this] { EXPECT_EQ(lock_.try_read(), Try::acquired); });
    writer_.run([this] {
      EXPECT_EQ(lock_.write(Deadline::after(1'000'000), wait_), WaitResult::timed_out);
    });
  }

  void handler_waits_for(RLock& other) {
    writer_.run([&] { EXPECT_EQ(announce(to_take(other)), Finding::nothing); });
  }

  void end() {
    writer_.run([this] {
      deadlock::end_wait();
      lock_.give_up(wait_);
    });
    reader_.run([this] { EXPECT_TRUE(lock_.release_read()); });
  }

  RWLock lock_;
  RWLock::WriteWait wait_;
  Actor reader_;
  Actor writer_;
  Actor newcomer_;
};

TEST_F(RWLockAwayWriter, ANewReaderDoesNotWaitForTheOldOnes) {
  RLock other;
  RLock mine;
  handler_waits_for(other);
  newcomer_.run([&] {
    ASSERT_TRUE(mine.try_acquire(me()));
    EXPECT_EQ(announce(to_read(lock_)), Finding::nothing);
  });
  reader_.run([&] {
    EXPECT_EQ(announce(to_take(mine)), Finding::nothing)
        << "the time of the next writer may be up, and then the new reader goes in";
    deadlock::end_wait();
  });
  newcomer_.run([&] {
    deadlock::end_wait();
    EXPECT_TRUE(mine.release(me()));
  });
  end();
}

TEST_F(RWLockAwayWriter, WhoComesAfterItWaitsForIt) {
  RLock other;
  newcomer_.run([&] { ASSERT_TRUE(other.try_acquire(me())); });
  handler_waits_for(other);
  RWLock::WriteWait unused;
  for (const Want& want : {to_read(lock_), to_write(lock_, unused)}) {
    newcomer_.run([&] {
      EXPECT_EQ(announce(want), Finding::cycle);
      const deadlock::Deadlock found = look();
      EXPECT_TRUE(found.certain);
      ASSERT_EQ(found.parties.size(), 2U);
      EXPECT_EQ(found.parties[1].want.owned, &other);
      EXPECT_EQ(found.parties[1].holds_as, Mode::write);
      deadlock::end_wait();
    });
  }
  newcomer_.run([&] { EXPECT_TRUE(other.release(me())); });
  end();
}

TEST(RWLockDeadlock, AForkedChildFindsTheReaderThatWasLost) {
  RWLock lock;
  Actor reader;
  reader.run([&] { ASSERT_EQ(lock.try_read(), Try::acquired); });
  EXPECT_EQ(testing::run_in_child([&lock] {
              RWLock::WriteWait wait;
              if (become_the_next_writer(lock, wait) != Finding::lost) return 1;
              const deadlock::Deadlock found = look();
              if (found.finding != Finding::lost || found.parties.size() != 2) return 1;
              return found.parties[1].holds_as == Mode::read ? 7 : 2;
            }),
            7);
  reader.run([&] { EXPECT_TRUE(lock.release_read()); });
}

}  // namespace
}  // namespace nativeconc::sync
