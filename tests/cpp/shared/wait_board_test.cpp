// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Deadlocks between processes, and what is none.
#include "nativeconc/shared/wait_board.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "nativeconc/shared/lock.hpp"
#include "nativeconc/shared/wait_watch.hpp"
#include "processes.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::Shared;
using Entry = Lock::Entry;
using IfDead = Lock::IfDead;

enum class Got { it, deadlock, nothing };

const pid_t program = getpid();  // the children's, too

// Apart from those of other programs that use the same directory, where addresses may be the same.
std::uint64_t uid_of(const void* lock) {
  const std::uint64_t address = reinterpret_cast<std::uintptr_t>(lock);
  return 1ULL << 63 | (address ^ static_cast<std::uint64_t>(program) << 40);
}

// As the library waits for a lock.
Got acquire(Lock& lock, Deadline deadline = Deadline::never(), bool is_certain = true,
            std::int64_t grace_ns = 0) {
  const ThreadNumber me = this_thread_number();
  WaitWatch watch;
  watch.notice().uid = uid_of(&lock);
  watch.notice().is_certain = is_certain;
  watch.notice().takes_part = deadline.is_never();
  watch.notice().is_timed = !deadline.is_never();
  Lock::Waiter waiter;
  watch.begin();
  for (;;) {
    watch.begin_look();
    Blockers blockers;
    blockers.add(lock.owner());
    const bool is_due = watch.end_look(blockers, grace_ns);
    if (is_due) {
      watch.end();
      return Got::deadlock;
    }
    const Deadline nap = earlier(deadline, watch.nap());
    const Entry entry = lock.acquire(me, nap, waiter, IfDead::take_over);
    if (entry != Entry::timed_out || deadline.has_passed()) {
      watch.end();
      return entry == Entry::timed_out ? Got::nothing : Got::it;
    }
  }
}

void release(Lock& lock) { ASSERT_TRUE(lock.release(this_thread_number())); }

template <std::size_t kParties>
struct Ring {
  std::array<Lock, kParties> locks;
  std::atomic<int> holders;
  std::atomic<int> victims;
  std::atomic<int> done;

  // Takes one lock, and when all have one, the next.
  void take_two(std::size_t i) {
    ASSERT_TRUE(locks[i].try_acquire(this_thread_number()));
    ++holders;
    testing::wait_until([&] { return holders == kParties; });
    Lock& next = locks[(i + 1) % kParties];
    if (acquire(next) == Got::deadlock) {
      ++victims;
    } else {
      release(next);
    }
    release(locks[i]);
    ++done;
  }
};

template <std::size_t kParties>
void go_round() {
  Shared<Ring<kParties>> ring;
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < kParties; ++i) {
    children.push_back(testing::start_child([&] { ring->take_two(i); }));
  }
  for (const pid_t child : children) testing::join_child(child);
  EXPECT_EQ(ring->victims, 1);
  EXPECT_EQ(ring->done, static_cast<int>(kParties));
}

TEST(WaitBoard, OneOfTwoProcessesGivesUp) { go_round<2>(); }
TEST(WaitBoard, OneOfThreeProcessesGivesUp) { go_round<3>(); }
TEST(WaitBoard, OneOfSevenProcessesGivesUp) { go_round<7>(); }

TEST(WaitBoard, OneOfTwoThreadsOfAProcessGivesUp) {
  Shared<Ring<2>> ring;
  std::thread other([&] { ring->take_two(1); });
  ring->take_two(0);
  other.join();
  EXPECT_EQ(ring->victims, 1);
}

TEST(WaitBoard, WhoeverWaitsForItselfGivesUp) {
  Shared<Lock> lock;
  ASSERT_EQ(acquire(*lock), Got::it);
  EXPECT_EQ(acquire(*lock), Got::deadlock);
  release(*lock);
}

TEST(WaitBoard, ATimedWaitIsSeenButTakesNoPart) {
  Shared<Ring<2>> ring;
  Shared<std::atomic<bool>> may_stop;
  const pid_t child = testing::start_child([&] {
    ASSERT_TRUE(ring->locks[1].try_acquire(this_thread_number()));
    ++ring->holders;
    testing::wait_until([&] { return ring->holders == 2; });
    EXPECT_EQ(acquire(ring->locks[0], Deadline::after(300'000'000)), Got::nothing);
    release(ring->locks[1]);
  });
  ASSERT_TRUE(ring->locks[0].try_acquire(this_thread_number()));
  ++ring->holders;
  testing::wait_until([&] { return count_waiters(uid_of(&ring->locks[0])) == 1; });
  const std::vector<WaiterOnBoard> waiters = waiters_of(uid_of(&ring->locks[0]));
  ASSERT_EQ(waiters.size(), 1U);
  EXPECT_EQ(waiters[0].thread.pid, child);
  EXPECT_TRUE(waiters[0].note.is_timed());
  EXPECT_EQ(acquire(ring->locks[1]), Got::it);
  EXPECT_EQ(count_waiters(uid_of(&ring->locks[0])), 0U);
  testing::join_child(child);
}

TEST(WaitBoard, ADeadPartyIsNone) {
  Shared<Ring<2>> ring;
  ASSERT_TRUE(ring->locks[0].try_acquire(this_thread_number()));
  const pid_t child = testing::start_child([&] {
    ASSERT_TRUE(ring->locks[1].try_acquire(this_thread_number()));
    static_cast<void>(acquire(ring->locks[0]));
  });
  testing::wait_until([&] { return count_waiters(uid_of(&ring->locks[0])) == 1; });
  testing::kill_child(child);
  EXPECT_EQ(count_waiters(uid_of(&ring->locks[0])), 0U);
  EXPECT_EQ(acquire(ring->locks[1]), Got::it);
}

TEST(WaitBoard, APartyThatIsStoppedIsHeardWhenItGoesOn) {
  Shared<Ring<2>> ring;
  const pid_t child = testing::start_child([&] { ring->take_two(1); });
  ASSERT_TRUE(ring->locks[0].try_acquire(this_thread_number()));
  testing::wait_until([&] { return ring->holders == 1; });
  ++ring->holders;
  testing::wait_until([&] { return count_waiters(uid_of(&ring->locks[0])) == 1; });
  kill(child, SIGSTOP);
  std::thread waker([child] {
    testing::sleep_ms(150);
    kill(child, SIGCONT);
  });
  // This thread waits last, so it gives up, but not before the other has looked.
  const Got got = acquire(ring->locks[1]);
  EXPECT_EQ(got, Got::deadlock);
  release(ring->locks[0]);
  waker.join();
  testing::join_child(child);
  EXPECT_EQ(ring->victims, 0);
}

TEST(WaitBoard, WhatIsNotCertainMustLast) {
  Shared<Ring<2>> ring;
  constexpr std::int64_t kGraceNs = 200'000'000;
  const auto take_two = [&](std::size_t i) {
    ASSERT_TRUE(ring->locks[i].try_acquire(this_thread_number()));
    ++ring->holders;
    testing::wait_until([&] { return ring->holders == 2; });
    const std::int64_t since_ns = monotonic_ns();
    if (acquire(ring->locks[1 - i], Deadline::never(), i != 0, kGraceNs) == Got::deadlock) {
      EXPECT_GE(monotonic_ns() - since_ns, kGraceNs);
      ++ring->victims;
    } else {
      release(ring->locks[1 - i]);
    }
    release(ring->locks[i]);
  };
  const pid_t child = testing::start_child([&] { take_two(1); });
  take_two(0);
  testing::join_child(child);
  EXPECT_EQ(ring->victims, 1);
}

// In the order of their numbers the locks cannot deadlock; whoever breaks the order does not wait
// for ever.
TEST(WaitBoard, TrafficWithoutDeadlocksHasNone) {
  constexpr int kProcesses = 4;
  constexpr int kRounds = 1500;
  Shared<std::array<Lock, 3>> locks;
  Shared<std::atomic<int>> falsely;
  const auto run = [&](unsigned seed) {
    std::minstd_rand random(seed);
    for (int round = 0; round < kRounds; ++round) {
      std::size_t first = random() % 3;
      std::size_t second = random() % 3;
      if (first == second) continue;
      const bool is_timed = random() % 4 == 0;
      if (!is_timed && first > second) std::swap(first, second);
      if (acquire((*locks)[first]) != Got::it) {
        ++*falsely;
        continue;
      }
      const Deadline deadline =
          is_timed ? Deadline::after(random() % 3'000'000) : Deadline::never();
      const Got got = acquire((*locks)[second], deadline);
      if (got == Got::deadlock) ++*falsely;
      if (random() % 50 == 0) testing::sleep_ms(1);
      if (got == Got::it) release((*locks)[second]);
      release((*locks)[first]);
    }
  };
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    children.push_back(testing::start_child([&] { run(7 + i); }));
  }
  for (const pid_t child : children) testing::join_child(child);
  EXPECT_EQ(*falsely, 0);
}

// In any order: whoever gives up lets the others go on, so all come to an end.
TEST(WaitBoard, TrafficThatDeadlocksGoesOn) {
  constexpr int kProcesses = 4;
  constexpr int kRounds = 40;
  Shared<std::array<Lock, 3>> locks;
  Shared<std::atomic<int>> victims;
  const auto run = [&](unsigned seed) {
    std::minstd_rand random(seed);
    for (int round = 0; round < kRounds; ++round) {
      const std::size_t first = random() % 3;
      const std::size_t second = (first + 1 + random() % 2) % 3;
      ASSERT_EQ(acquire((*locks)[first]), Got::it);
      std::this_thread::yield();
      if (acquire((*locks)[second]) == Got::it) {
        release((*locks)[second]);
      } else {
        ++*victims;
      }
      release((*locks)[first]);
    }
  };
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    children.push_back(testing::start_child([&] { run(70 + i); }));
  }
  for (const pid_t child : children) testing::join_child(child);
  RecordProperty("victims", *victims);
}

TEST(WaitBoard, ANoteSaysWhatIsKnownOfTheWait) {
  Shared<Lock> lock;
  ASSERT_TRUE(lock->try_acquire(this_thread_number()));
  const ThreadNumber owner = this_thread_number();
  const pid_t child = testing::start_child([&] {
    WaitWatch watch;
    watch.notice().uid = uid_of(&*lock);
    watch.notice().mode = deadlock::Mode::write;
    watch.notice().takes_part = true;
    watch.notice().line = 12;
    std::strcpy(watch.notice().text.file.data(), "bank.py");
    std::strcpy(watch.notice().text.lock.data(), "account");
    watch.begin();
    watch.begin_look();
    Blockers blockers;
    blockers.add(owner, deadlock::Mode::read);
    blockers.add(Lock::kInDoubt);
    EXPECT_FALSE(watch.end_look(blockers, 0));
    for (;;) pause();
  });
  testing::wait_until([&] {
    const std::vector<WaiterOnBoard> waiters = waiters_of(uid_of(&*lock));
    return waiters.size() == 1 && waiters[0].note.seen != 0;
  });
  const WaiterOnBoard waiter = waiters_of(uid_of(&*lock)).at(0);
  EXPECT_EQ(waiter.note.mode(), deadlock::Mode::write);
  EXPECT_TRUE(waiter.note.is_certain());
  EXPECT_EQ(waiter.note.line, 12);
  EXPECT_STREQ(waiter.text.file.data(), "bank.py");
  EXPECT_STREQ(waiter.text.lock.data(), "account");
  EXPECT_EQ(waiter.note.blockers[0] & kMaxNumber, owner);
  EXPECT_EQ(waiter.note.blockers[0] >> 30, static_cast<std::uint32_t>(deadlock::Mode::read));
  EXPECT_EQ(waiter.note.blockers[1], 0U);
  testing::kill_child(child);
}

TEST(Blockers, OfManyEachGetsItsTurn) {
  std::array<bool, 40> was_kept{};
  for (int look = 0; look < 16; ++look) {
    Blockers blockers;
    for (std::uint32_t number = 1; number <= was_kept.size(); ++number) blockers.add(number);
    for (const std::uint32_t word : blockers.words()) was_kept.at(word - 1) = true;
  }
  EXPECT_EQ(std::count(was_kept.begin(), was_kept.end(), true), 40);
}

}  // namespace
}  // namespace nativeconc::shared
