// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Readers and writers of a shared reader-writer lock that die between any two steps.
#include <atomic>
#include <thread>

#include "every_fault.hpp"
#include "shared/rwlock_support.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;
using testing::in_child;
using testing::wait_until;

struct Place {
  RWLock lock;
  std::atomic<bool> half_changed{false};  // by a writer inside
};

void change(Place& place) {
  EXPECT_FALSE(place.half_changed);
  place.half_changed = true;
  fault_point();
  place.half_changed = false;
}

// Nobody may find it half changed and not be told.
void expect_told(Place& place, Fate fate) {
  Read entry = try_read(place.lock);
  if (fate == Fate::survived || entry == Read::acquired) {
    EXPECT_EQ(entry, Read::acquired);
    EXPECT_FALSE(place.half_changed);
    EXPECT_TRUE(release_read(place.lock));
  } else {
    EXPECT_EQ(entry, Read::in_doubt);
    EXPECT_EQ(try_write(place.lock), Entry::in_doubt);
    EXPECT_GT(place.lock.death().found_ns, 0);
  }
  const Entry last = write(place.lock, Deadline::never(), IfDead::take_over);
  EXPECT_EQ(last, entry == Read::acquired ? Entry::acquired : Entry::acquired_in_doubt);
  EXPECT_TRUE(release_write(place.lock));
  EXPECT_EQ(place.lock.death(), DeadOwner{});
  expect_free(place.lock);
}

TEST(RWLockFaults, AReaderThatDiesAnywhereLeavesTheLockFree) {
  const auto doomed = [](RWLock& lock) {
    EXPECT_EQ(try_read(lock), Read::acquired);
    EXPECT_EQ(try_read(lock), Read::acquired);
    fault_point();
    EXPECT_TRUE(release_read(lock));
    EXPECT_TRUE(release_read(lock));
  };
  const int points = die_at_every_fault_point<RWLock>(doomed, [](RWLock& lock, Fate) {
    EXPECT_EQ(try_write(lock), Entry::acquired);
    EXPECT_TRUE(release_write(lock));
    expect_free(lock);
  });
  EXPECT_GE(points, 4);
}

TEST(RWLockFaults, AWriterThatDiesInsideLeavesItInDoubt) {
  const auto doomed = [](Place& place) {
    EXPECT_EQ(write(place.lock), Entry::acquired);
    change(place);
    EXPECT_TRUE(release_write(place.lock));
  };
  EXPECT_GE(die_at_every_fault_point<Place>(doomed, expect_told), 5);
}

TEST(RWLockFaults, AWriterThatDiesWhileItDowngradesHasDoneSoOrNot) {
  const auto doomed = [](Place& place) {
    EXPECT_EQ(write(place.lock), Entry::acquired);
    change(place);
    EXPECT_EQ(place.lock.downgrade(this_thread_number()), Downgrade::done);
    fault_point();
    EXPECT_TRUE(release_read(place.lock));
  };
  EXPECT_GE(die_at_every_fault_point<Place>(doomed, expect_told), 8);
}

TEST(RWLockFaults, AWriterThatDiesBeforeItIsInsideLeavesNoDoubt) {
  const auto prepare = [](RWLock& lock) { EXPECT_EQ(try_read(lock), Read::acquired); };
  const auto doomed = [](RWLock& lock) {
    EXPECT_EQ(write(lock, Deadline::after(3'000'000)), Entry::timed_out);
  };
  const int points = die_at_every_fault_point<RWLock>(prepare, doomed, [](RWLock& lock, Fate) {
    EXPECT_TRUE(others_can_read(lock));
    EXPECT_FALSE(others_can_write(lock));
    EXPECT_TRUE(release_read(lock));
    EXPECT_EQ(try_write(lock), Entry::acquired);
    EXPECT_TRUE(release_write(lock));
    EXPECT_EQ(lock.death(), DeadOwner{});
    expect_free(lock);
  });
  EXPECT_GE(points, 4);
}

void leave_dead_writer(Place& place) {
  in_child([&] {
    EXPECT_EQ(try_write(place.lock), Entry::acquired);
    place.half_changed = true;
  });
}

void expect_in_doubt(Place& place, Fate) {
  EXPECT_EQ(try_read(place.lock), Read::in_doubt);
  EXPECT_EQ(write(place.lock), Entry::in_doubt);
  EXPECT_GT(place.lock.death().found_ns, 0);
  EXPECT_EQ(write(place.lock, Deadline::never(), IfDead::take_over), Entry::acquired_in_doubt);
  EXPECT_TRUE(release_write(place.lock));
  expect_free(place.lock);
}

TEST(RWLockFaults, WhoeverDiesWhileItFindsADeadWriterLeavesTheLockInDoubt) {
  const auto reads = [](Place& place) { EXPECT_EQ(read(place.lock), Read::in_doubt); };
  EXPECT_GE(die_at_every_fault_point<Place>(leave_dead_writer, reads, expect_in_doubt), 7);
  const auto writes = [](Place& place) { EXPECT_EQ(write(place.lock), Entry::in_doubt); };
  EXPECT_GE(die_at_every_fault_point<Place>(leave_dead_writer, writes, expect_in_doubt), 7);
}

TEST(RWLockFaults, WhoeverDiesWhileItTakesOverAndDoesNotMakeItWholeLeavesItInDoubt) {
  const auto doomed = [](Place& place) {
    EXPECT_EQ(write(place.lock, Deadline::never(), IfDead::take_over), Entry::acquired_in_doubt);
    fault_point();
    EXPECT_TRUE(place.lock.release_write_in_doubt(this_thread_number()));
  };
  EXPECT_GE(die_at_every_fault_point<Place>(leave_dead_writer, doomed, expect_in_doubt), 8);
}

TEST(RWLockFaults, WhoeverMakesItWholeAndDiesHasDoneSoOrNot) {
  const auto doomed = [](Place& place) {
    EXPECT_EQ(write(place.lock, Deadline::never(), IfDead::take_over), Entry::acquired_in_doubt);
    place.half_changed = false;
    place.lock.make_whole();
    EXPECT_TRUE(release_write(place.lock));
  };
  EXPECT_GE(die_at_every_fault_point<Place>(leave_dead_writer, doomed, expect_told), 10);
}

TEST(RWLockFaults, WhoeverDiesWhileItOpensTheGateForADeadWriterLeavesThatToTheNext) {
  const auto prepare = [](RWLock& lock) {
    EXPECT_EQ(try_read(lock), Read::acquired);
    testing::kill_child(start_pending_writer(lock));
  };
  const auto doomed = [](RWLock& lock) {
    EXPECT_EQ(lock.read(this_thread_number(), Deadline::never()), Read::acquired);
    fault_point();
    EXPECT_TRUE(release_read(lock));
  };
  const int points = die_at_every_fault_point<RWLock>(prepare, doomed, [](RWLock& lock, Fate) {
    EXPECT_TRUE(others_can_read(lock));
    EXPECT_TRUE(release_read(lock));
    EXPECT_EQ(write(lock), Entry::acquired);
    EXPECT_TRUE(release_write(lock));
    EXPECT_EQ(lock.death(), DeadOwner{});
    expect_free(lock);
  });
  EXPECT_GE(points, 8);
}

// The reader lives here, and goes in and out all the time.
TEST(RWLockFaults, ReadersThatWaitForAWriterThatDiesAreLetInOrTold) {
  std::thread reader;
  std::atomic<bool> stop{false};
  const auto prepare = [&](Place& place) {
    stop = false;
    reader = std::thread([&] {
      while (!stop) {
        const Read entry = read(place.lock);
        if (entry == Read::in_doubt) {
          testing::sleep_ms(1);
          continue;
        }
        EXPECT_EQ(entry, Read::acquired);
        EXPECT_FALSE(place.half_changed);
        EXPECT_TRUE(release_read(place.lock));
      }
    });
  };
  const auto doomed = [](Place& place) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(write(place.lock), Entry::acquired);
      testing::sleep_ms(2);  // the reader waits
      change(place);
      EXPECT_TRUE(release_write(place.lock));
    }
  };
  const int points = die_at_every_fault_point<Place>(prepare, doomed, [&](Place& place, Fate fate) {
    stop = true;
    reader.join();
    expect_told(place, fate);
  });
  EXPECT_GE(points, 12);
}

}  // namespace
}  // namespace nativeconc::shared
