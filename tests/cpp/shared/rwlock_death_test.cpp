// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Reader-writer locks whose readers and writers die or are stopped.
#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "nativeconc/shared/rwlock.hpp"
#include "rwlock_support.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::join_child;
using testing::kill_child;
using testing::kScale;
using testing::run_threads;
using testing::Shared;
using testing::sleep_ms;
using testing::start_child;
using testing::wait_until;

TEST(SharedRWLockDeath, ADeadReaderIsReleased) {
  Shared<RWLock> lock;
  kill_child(start_reader(*lock));
  EXPECT_EQ(lock->readers(), 0U);
  EXPECT_EQ(try_write(*lock), Entry::acquired);
  EXPECT_TRUE(release_write(*lock));

  const pid_t reader = start_reader(*lock);
  std::thread killer([&] {
    sleep_ms(30);
    kill_child(reader);
  });
  EXPECT_EQ(write(*lock), Entry::acquired);
  EXPECT_TRUE(release_write(*lock));
  killer.join();
  expect_free(*lock);
}

TEST(SharedRWLockDeath, AThreadThatEndsIsADeadReaderOrWriter) {
  Shared<RWLock> lock;
  std::thread([&] { EXPECT_EQ(try_read(*lock), Read::acquired); }).join();
  EXPECT_EQ(try_write(*lock), Entry::acquired);
  EXPECT_TRUE(release_write(*lock));
  std::thread([&] { EXPECT_EQ(try_write(*lock), Entry::acquired); }).join();
  EXPECT_EQ(try_read(*lock), Read::in_doubt);
  EXPECT_EQ(lock->death().pid, getpid());
}

TEST(SharedRWLockDeath, ADeadWriterLeavesItInDoubtForAllUntilItIsTakenOverAndReleased) {
  for (const bool reads_first : {false, true}) {
    Shared<RWLock> lock;
    const pid_t dead = in_child([&] { EXPECT_EQ(try_write(*lock), Entry::acquired); });
    for (int i = 0; i < 2; ++i) {
      if (reads_first || i > 0) {
        EXPECT_EQ(try_read(*lock), Read::in_doubt);
        EXPECT_EQ(lock->read(this_thread_number(), Deadline::never()), Read::in_doubt);
      }
      EXPECT_EQ(try_write(*lock), Entry::in_doubt);
      EXPECT_EQ(write(*lock), Entry::in_doubt);
    }
    EXPECT_EQ(lock->turn(), Lock::kInDoubt);
    EXPECT_EQ(lock->writer(), kNobody);
    EXPECT_EQ(lock->death().pid, dead);
    EXPECT_GT(lock->death().found_ns, 0);
    EXPECT_EQ(lock->own_reads(this_thread_number()), 0U);

    ASSERT_EQ(write(*lock, Deadline::never(), IfDead::take_over), Entry::acquired_in_doubt);
    EXPECT_TRUE(lock->is_writing(this_thread_number()));
    ASSERT_TRUE(lock->release_write_in_doubt(this_thread_number()));
    in_child([&] {
      EXPECT_EQ(read(*lock), Read::in_doubt);
      ASSERT_EQ(try_write(*lock, IfDead::take_over), Entry::acquired_in_doubt);
    });
    // Whoever took it over died, too, without having made it whole.
    EXPECT_EQ(read(*lock), Read::in_doubt);
    EXPECT_EQ(lock->death().pid, dead);
    ASSERT_EQ(write(*lock, Deadline::never(), IfDead::take_over), Entry::acquired_in_doubt);
    if (reads_first) {
      EXPECT_EQ(lock->downgrade(this_thread_number()), Downgrade::done);
      EXPECT_TRUE(others_can_read(*lock));
      EXPECT_TRUE(release_read(*lock));
    } else {
      EXPECT_TRUE(release_write(*lock));
    }
    EXPECT_EQ(lock->death(), DeadOwner{});
    expect_free(*lock);
  }
}

TEST(SharedRWLockDeath, WhoeverMadeItWholeAndDiesIsTheDeadOwner) {
  Shared<RWLock> lock;
  in_child([&] { ASSERT_EQ(try_write(*lock), Entry::acquired); });
  const pid_t second = in_child([&] {
    ASSERT_EQ(try_write(*lock, IfDead::take_over), Entry::acquired_in_doubt);
    lock->make_whole();
    EXPECT_EQ(lock->death(), DeadOwner{});
    EXPECT_TRUE(lock->is_writing(this_thread_number()));
  });
  EXPECT_EQ(try_read(*lock), Read::in_doubt);
  EXPECT_EQ(lock->death().pid, second);
}

TEST(SharedRWLockDeath, AllWhoWaitForAWriterThatDiesAreTold) {
  Shared<RWLock> lock;
  const pid_t writer = start_writer(*lock);
  Shared<std::atomic<int>> told;
  std::vector<pid_t> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.push_back(start_child([&, i] {
      if (i % 2 == 0 ? read(*lock) == Read::in_doubt : write(*lock) == Entry::in_doubt) ++*told;
    }));
  }
  sleep_ms(30);
  EXPECT_EQ(*told, 0);
  kill_child(writer);
  for (const pid_t waiter : waiters) join_child(waiter);
  EXPECT_EQ(*told, 4);
}

TEST(SharedRWLockDeath, AWriterThatDiesWhileItWaitsForReadersLeavesNoDoubt) {
  for (const bool then_reads : {false, true}) {
    Shared<RWLock> lock;
    ASSERT_EQ(try_read(*lock), Read::acquired);
    const pid_t writer = start_pending_writer(*lock);
    const pid_t reader = start_child([&] {
      EXPECT_EQ(read(*lock), Read::acquired);
      EXPECT_TRUE(release_read(*lock));
    });
    sleep_ms(10);
    kill_child(writer);
    if (then_reads) {
      join_child(reader);
    } else {
      EXPECT_EQ(write(*lock, Deadline::expired()), Entry::timed_out);
    }
    EXPECT_TRUE(release_read(*lock));
    if (!then_reads) {
      EXPECT_EQ(write(*lock), Entry::acquired);
      EXPECT_TRUE(release_write(*lock));
      join_child(reader);
    }
    EXPECT_EQ(lock->death(), DeadOwner{});
    expect_free(*lock);
  }
}

TEST(SharedRWLockDeath, WhoTakesItOverWaitsForTheReadersThatAreInside) {
  Shared<RWLock> lock;
  // One that writes and reads, and dies; and one that was let in, though the writer had not gone.
  const pid_t dead = start_child([&] {
    EXPECT_EQ(try_write(*lock), Entry::acquired);
    EXPECT_EQ(try_read(*lock), Read::acquired);
  });
  join_child(dead);
  EXPECT_EQ(try_read(*lock), Read::in_doubt);
  EXPECT_EQ(try_write(*lock, IfDead::take_over), Entry::acquired_in_doubt)
      << "what the dead one read does not count";
  EXPECT_EQ(try_read(*lock), Read::acquired);
  ASSERT_TRUE(lock->release_write_in_doubt(this_thread_number()));
  in_child([&] {
    EXPECT_EQ(write(*lock, Deadline::after(30'000'000), IfDead::take_over), Entry::timed_out)
        << "its parent reads";
    EXPECT_EQ(read(*lock), Read::in_doubt) << "it gave up, and the doubt is still there";
  });
  EXPECT_TRUE(release_read(*lock));
  EXPECT_EQ(write(*lock, Deadline::never(), IfDead::take_over), Entry::acquired_in_doubt);
  EXPECT_TRUE(release_write(*lock));
  expect_free(*lock);
}

TEST(SharedRWLockDeath, DeadWaitersAreForgotten) {
  Shared<RWLock> lock;
  for (int i = 0; i < 3 * kScale; ++i) {
    ASSERT_EQ(try_write(*lock), Entry::acquired);
    const pid_t reader = start_child([&] { static_cast<void>(read(*lock)); });
    const pid_t writer = start_child([&] { static_cast<void>(write(*lock)); });
    sleep_ms(i % 5);
    kill_child(reader);
    kill_child(writer);
    EXPECT_TRUE(release_write(*lock));
    EXPECT_EQ(write(*lock), Entry::acquired) << "the dead reader was let in at most";
    EXPECT_TRUE(release_write(*lock));
  }
  expect_free(*lock);
}

TEST(SharedRWLockDeath, StoppedWaitersKeepNobodyOut) {
  Shared<RWLock> lock;
  ASSERT_EQ(try_write(*lock), Entry::acquired);
  const pid_t writer = start_child([&] {
    EXPECT_EQ(write(*lock), Entry::acquired);
    EXPECT_TRUE(release_write(*lock));
  });
  sleep_ms(40);
  kill(writer, SIGSTOP);
  sleep_ms(5);
  EXPECT_TRUE(release_write(*lock));
  EXPECT_EQ(read(*lock), Read::acquired);
  EXPECT_TRUE(release_read(*lock));
  EXPECT_EQ(write(*lock), Entry::acquired);
  EXPECT_TRUE(release_write(*lock));
  kill(writer, SIGCONT);
  join_child(writer);
  expect_free(*lock);
}

TEST(SharedRWLockDeath, AStoppedHolderStopsNoDeadline) {
  for (const bool writes : {false, true}) {
    Shared<RWLock> lock;
    const pid_t holder = writes ? start_writer(*lock) : start_reader(*lock);
    kill(holder, SIGSTOP);
    EXPECT_EQ(write(*lock, Deadline::after(30'000'000)), Entry::timed_out);
    EXPECT_EQ(read(*lock, Deadline::after(30'000'000)), writes ? Read::timed_out : Read::acquired);
    kill_child(holder);
  }
}

// --- random deaths

// Plain memory: the sum of both is how often it was changed.
struct Guarded {
  std::array<std::uint64_t, 4> cells{};
  void change() {
    for (std::uint64_t& cell : cells) ++cell;
  }
  bool is_whole() const {
    for (const std::uint64_t cell : cells) {
      if (cell != cells[0]) return false;
    }
    return true;
  }
  void make_whole() {
    for (std::uint64_t& cell : cells) cell = cells[3];
  }
};

struct Place {
  RWLock lock;
  Guarded guarded;
  std::atomic<bool> wrong{false};
  std::atomic<std::uint64_t> steps{0};
};

void live_with(Place& place, unsigned seed) {
  std::mt19937 random(seed);
  const ThreadNumber me = this_thread_number();
  RWLock& lock = place.lock;
  const auto chance = [&](unsigned n) { return random() % n == 0; };
  const auto deadline = [&] {
    return chance(2) ? Deadline::never() : Deadline::after(random() % 200'000);
  };
  const auto repair = [&] {
    const Entry entry = write(lock, Deadline::never(), IfDead::take_over);
    if (entry == Entry::acquired_in_doubt) {
      if (chance(4)) {
        if (!lock.release_write_in_doubt(me)) place.wrong = true;
        return;
      }
      place.guarded.make_whole();
    }
    if (!place.guarded.is_whole()) place.wrong = true;
    if (!release_write(lock)) place.wrong = true;
  };
  for (;; ++place.steps) {
    if (!chance(3)) {
      const Read entry = read(lock, deadline());
      if (entry == Read::in_doubt) repair();
      if (entry != Read::acquired) continue;
      if (!place.guarded.is_whole()) place.wrong = true;
      if (chance(16)) std::this_thread::yield();
      if (!place.guarded.is_whole()) place.wrong = true;
      if (!release_read(lock)) place.wrong = true;
      continue;
    }
    const Entry entry = write(lock, deadline());
    if (entry == Entry::in_doubt) repair();
    if (entry != Entry::acquired) continue;
    if (!place.guarded.is_whole()) place.wrong = true;
    place.guarded.change();
    if (chance(16)) std::this_thread::yield();
    if (chance(3)) {
      if (lock.downgrade(me) != Downgrade::done) place.wrong = true;
      if (!place.guarded.is_whole()) place.wrong = true;
      if (!release_read(lock)) place.wrong = true;
    } else if (!release_write(lock)) {
      place.wrong = true;
    }
  }
}

TEST(SharedRWLockDeath, NobodyIsInsideBesideAWriterWhileProcessesAreKilledAtRandom) {
  constexpr std::size_t kProcesses = 4;
  Shared<Place> place;
  std::mt19937 random(7);
  std::vector<pid_t> children(kProcesses);
  const auto bear = [&](std::size_t i) {
    const auto seed = static_cast<unsigned>(random());
    children[i] = start_child([&] { live_with(*place, seed); });
  };
  for (std::size_t i = 0; i < kProcesses; ++i) bear(i);
  for (int kills = 0; kills < 10 * kScale; ++kills) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    const std::size_t victim = random() % kProcesses;
    if (random() % 4 == 0) {
      kill(children[victim], SIGSTOP);
      sleep_ms(3);
    }
    kill_child(children[victim]);
    bear(victim);
  }
  // They all go on.
  const std::uint64_t steps = place->steps;
  wait_until([&] { return place->steps > steps + 100; });
  for (const pid_t child : children) kill_child(child);
  EXPECT_FALSE(place->wrong);
  const Entry last = write(place->lock, Deadline::never(), IfDead::take_over);
  EXPECT_TRUE(last == Entry::acquired_in_doubt ||
              (last == Entry::acquired && place->guarded.is_whole()));
  EXPECT_TRUE(release_write(place->lock));
  expect_free(place->lock);
}

// The counter is plain: with TSan, this also proves that the lock orders memory.
TEST(SharedRWLockDeath, ThreadsOfOneProcessShareItToo) {
  Shared<RWLock> lock;
  Shared<Guarded> guarded;
  constexpr int kThreads = 4;
  const int rounds = 300 * kScale;
  run_threads(kThreads, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      EXPECT_EQ(write(*lock), Entry::acquired);
      guarded->change();
      EXPECT_TRUE(release_write(*lock));
      EXPECT_EQ(read(*lock), Read::acquired);
      EXPECT_TRUE(guarded->is_whole());
      EXPECT_TRUE(release_read(*lock));
    }
  });
  EXPECT_EQ(guarded->cells[0], static_cast<std::uint64_t>(kThreads * rounds));
  expect_free(*lock);
}

// These two end because nobody starves.
TEST(SharedRWLockDeath, AWriterGetsInBesideReadersThatNeverAllLeave) {
  Shared<RWLock> lock;
  std::vector<pid_t> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(start_child([&] {
      for (;;) {
        EXPECT_EQ(read(*lock), Read::acquired);
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        EXPECT_TRUE(release_read(*lock));
      }
    }));
  }
  for (int i = 0; i < 50 * kScale; ++i) {
    ASSERT_EQ(write(*lock), Entry::acquired);
    EXPECT_TRUE(release_write(*lock));
  }
  for (const pid_t reader : readers) kill_child(reader);
  expect_free(*lock);
}

TEST(SharedRWLockDeath, AReaderGetsInBesideWritersThatNeverStop) {
  Shared<RWLock> lock;
  Shared<std::atomic<bool>> stop;
  Shared<std::array<int, 2>> twins;  // equal whenever no writer is inside
  std::vector<pid_t> writers;
  for (int i = 0; i < 3; ++i) {
    writers.push_back(start_child([&] {
      while (!*stop) {
        EXPECT_EQ(write(*lock), Entry::acquired);
        ++(*twins)[0];
        ++(*twins)[1];
        EXPECT_TRUE(release_write(*lock));
      }
    }));
  }
  for (int i = 0; i < 50 * kScale; ++i) {
    EXPECT_EQ(read(*lock), Read::acquired);
    EXPECT_EQ((*twins)[0], (*twins)[1]);
    EXPECT_TRUE(release_read(*lock));
  }
  *stop = true;
  for (const pid_t writer : writers) join_child(writer);
  expect_free(*lock);
}

}  // namespace
}  // namespace nativeconc::shared
