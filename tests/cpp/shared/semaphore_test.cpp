// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Semaphores between processes: permits stay exact, whoever dies.
#include "nativeconc/shared/semaphore.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <thread>
#include <vector>

#include "processes.hpp"
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
using Bound = Semaphore::Bound;
using Entry = Semaphore::Entry;
using Release = Semaphore::Release;

Entry acquire(Semaphore& semaphore, Deadline deadline = Deadline::never()) {
  Semaphore::Waiter waiter;
  Entry entry = Entry::interrupted;
  while (entry == Entry::interrupted) {
    entry = semaphore.acquire(Semaphore::this_caller(), deadline, waiter);
  }
  return entry;
}

Entry try_acquire(Semaphore& semaphore) {
  return semaphore.try_acquire(Semaphore::this_caller(), Deadline::never());
}

Release release(Semaphore& semaphore, std::uint32_t n = 1) {
  return semaphore.release(Semaphore::this_caller(), n, Deadline::never());
}

// Takes all there is and gives it back.
std::uint32_t count(Semaphore& semaphore) {
  std::uint32_t n = 0;
  while (try_acquire(semaphore) == Entry::acquired) ++n;
  if (n > 0) {
    EXPECT_EQ(release(semaphore, n), Release::done);
  }
  return n;
}

void start(Shared<Semaphore>& semaphore, std::uint32_t value, Bound bound = Bound::none) {
  new (&*semaphore) Semaphore(value, bound);
}

// A child that holds n permits until it is killed.
pid_t start_holder(Semaphore& semaphore, std::uint32_t n) {
  Shared<std::atomic<bool>> holds;
  const pid_t child = start_child([&] {
    for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(acquire(semaphore), Entry::acquired);
    *holds = true;
    for (;;) pause();
  });
  wait_until([&] { return holds->load(); });
  return child;
}

TEST(SharedSemaphore, PermitsAreTakenAndGivenAmongProcesses) {
  Shared<Semaphore> semaphore;
  start(semaphore, 2);
  EXPECT_EQ(try_acquire(*semaphore), Entry::acquired);
  EXPECT_EQ(semaphore->available(), 1U);
  const pid_t holder = start_holder(*semaphore, 1);
  EXPECT_EQ(try_acquire(*semaphore), Entry::timed_out);
  EXPECT_EQ(acquire(*semaphore, Deadline::expired()), Entry::timed_out);
  EXPECT_EQ(acquire(*semaphore, Deadline::after(30'000'000)), Entry::timed_out);
  ASSERT_EQ(semaphore->holders().size(), 2U);
  for (const Semaphore::Holder& who : semaphore->holders()) {
    EXPECT_EQ(who.held, 1U);
    EXPECT_TRUE(who.pid == holder || who.pid == getpid());
  }
  EXPECT_EQ(release(*semaphore), Release::done);
  EXPECT_EQ(semaphore->available(), 1U);
  kill_child(holder);
  EXPECT_EQ(count(*semaphore), 2U);
  EXPECT_TRUE(semaphore->holders().empty());
}

TEST(SharedSemaphore, ZeroBytesHaveNoPermits) {
  Shared<Semaphore> semaphore;
  EXPECT_EQ(try_acquire(*semaphore), Entry::timed_out);
  EXPECT_EQ(release(*semaphore, 3), Release::done);
  EXPECT_EQ(count(*semaphore), 3U);
}

TEST(SharedSemaphore, ADeadHoldersPermitsComeBackToATryAndToAWaiter) {
  Shared<Semaphore> semaphore;
  start(semaphore, 3);
  kill_child(start_holder(*semaphore, 3));
  EXPECT_EQ(try_acquire(*semaphore), Entry::acquired);
  EXPECT_EQ(semaphore->available(), 2U);
  EXPECT_EQ(release(*semaphore), Release::done);

  const pid_t holder = start_holder(*semaphore, 3);
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&] { EXPECT_EQ(acquire(*semaphore), Entry::acquired); });
  }
  sleep_ms(30);
  kill_child(holder);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(semaphore->available(), 0U);
  EXPECT_EQ(release(*semaphore, 3), Release::done);
  EXPECT_EQ(count(*semaphore), 3U);
}

TEST(SharedSemaphore, ATimedWaitForADeadHoldersPermitGetsIt) {
  Shared<Semaphore> semaphore;
  start(semaphore, 1);
  const pid_t holder = start_holder(*semaphore, 1);
  std::thread killer([&] {
    sleep_ms(3);
    kill_child(holder);
  });
  EXPECT_EQ(acquire(*semaphore, Deadline::after(10'000'000'000)), Entry::acquired);
  killer.join();
}

TEST(SharedSemaphore, AReleaseByOneThatHoldsNoneDebitsTheOldestLivingHolder) {
  Shared<Semaphore> semaphore;
  start(semaphore, 6);
  const pid_t dead = start_holder(*semaphore, 1);
  const pid_t oldest = start_holder(*semaphore, 2);
  const pid_t younger = start_holder(*semaphore, 2);
  kill_child(dead);
  EXPECT_EQ(release(*semaphore), Release::done);  // 1 of the dead, 1 of the oldest
  EXPECT_EQ(semaphore->available(), 3U);
  for (const Semaphore::Holder& who : semaphore->holders()) {
    EXPECT_EQ(who.held, who.pid == oldest ? 1U : 2U);
  }
  EXPECT_EQ(release(*semaphore, 2), Release::done);  // the rest of the oldest, then the younger
  ASSERT_EQ(semaphore->holders().size(), 1U);
  EXPECT_EQ(semaphore->holders()[0].pid, younger);
  EXPECT_EQ(semaphore->holders()[0].held, 1U);
  kill_child(oldest);
  EXPECT_EQ(count(*semaphore), 5U);
  kill_child(younger);
  EXPECT_EQ(count(*semaphore), 6U);
}

TEST(SharedSemaphore, AReleaseBeyondAllHoldersAddsAPermit) {
  Shared<Semaphore> semaphore;
  start(semaphore, 1);
  const pid_t holder = start_holder(*semaphore, 1);
  EXPECT_EQ(release(*semaphore, 3), Release::done);
  EXPECT_EQ(semaphore->total(), 3U);
  kill_child(holder);
  EXPECT_EQ(count(*semaphore), 3U);
  EXPECT_EQ(release(*semaphore, Semaphore::kMax - 2), Release::too_many);
  EXPECT_EQ(release(*semaphore, Semaphore::kMax - 3), Release::done);
  EXPECT_EQ(semaphore->available(), Semaphore::kMax);
  EXPECT_EQ(release(*semaphore), Release::too_many);
}

TEST(SharedSemaphore, ABoundedOneRefusesMoreAndStaysAsItWas) {
  Shared<Semaphore> semaphore;
  start(semaphore, 2, Bound::initial_value);
  EXPECT_EQ(release(*semaphore), Release::too_many);
  EXPECT_EQ(try_acquire(*semaphore), Entry::acquired);
  EXPECT_EQ(release(*semaphore, 2), Release::too_many);
  EXPECT_EQ(semaphore->available(), 1U);
  in_child([&] { EXPECT_EQ(release(*semaphore), Release::done); });
  EXPECT_EQ(release(*semaphore), Release::too_many);
  const pid_t holder = start_holder(*semaphore, 2);
  kill_child(holder);
  EXPECT_EQ(release(*semaphore), Release::too_many) << "the dead one's permits are back already";
  EXPECT_EQ(count(*semaphore), 2U);
}

TEST(SharedSemaphore, OneProcessSignalsAnother) {
  Shared<Semaphore> there;
  Shared<Semaphore> back;
  const int rounds = 200 * kScale;
  const pid_t child = start_child([&] {
    for (int i = 0; i < rounds; ++i) {
      EXPECT_EQ(acquire(*there), Entry::acquired);
      EXPECT_EQ(release(*back), Release::done);
    }
  });
  for (int i = 0; i < rounds; ++i) {
    EXPECT_EQ(release(*there), Release::done);
    EXPECT_EQ(acquire(*back), Entry::acquired);
  }
  join_child(child);
  EXPECT_EQ(there->total(), 1U) << "a signal that was taken is debited by the next";
}

TEST(SharedSemaphore, AsManyWaitersWakeAsPermitsAreGiven) {
  Shared<Semaphore> semaphore;
  Shared<std::atomic<int>> entered;
  std::vector<pid_t> children;
  for (int i = 0; i < 5; ++i) {
    children.push_back(start_child([&] {
      EXPECT_EQ(acquire(*semaphore), Entry::acquired);
      ++*entered;
      for (;;) pause();
    }));
  }
  sleep_ms(10);
  EXPECT_EQ(release(*semaphore, 3), Release::done);
  wait_until([&] { return *entered == 3; });
  EXPECT_EQ(try_acquire(*semaphore), Entry::timed_out);
  EXPECT_EQ(release(*semaphore, 5), Release::done);  // three of them are debited
  wait_until([&] { return *entered == 5; });
  EXPECT_EQ(semaphore->total(), 5U);
  for (const pid_t child : children) kill_child(child);
  EXPECT_EQ(count(*semaphore), 5U);
}

TEST(SharedSemaphore, ADeadWaiterTakesNothingWithIt) {
  Shared<Semaphore> semaphore;
  start(semaphore, 1);
  for (int i = 0; i < 5 * kScale; ++i) {
    EXPECT_EQ(acquire(*semaphore), Entry::acquired);
    const pid_t waiter = start_child([&] { static_cast<void>(acquire(*semaphore)); });
    sleep_ms(i % 8);  // it may be the heir by now
    EXPECT_EQ(release(*semaphore), Release::done);
    kill_child(waiter);
    EXPECT_EQ(count(*semaphore), 1U);
  }
}

TEST(SharedSemaphore, AStoppedHeirKeepsNobodyOut) {
  Shared<Semaphore> semaphore;
  start(semaphore, 1);
  Shared<std::atomic<bool>> has_come;
  EXPECT_EQ(acquire(*semaphore), Entry::acquired);
  const pid_t heir = start_child([&] {
    EXPECT_EQ(acquire(*semaphore), Entry::acquired);
    *has_come = true;
    EXPECT_EQ(release(*semaphore), Release::done);
  });
  sleep_ms(60);  // it has looked in vain after a slice
  kill(heir, SIGSTOP);
  sleep_ms(5);
  EXPECT_EQ(release(*semaphore), Release::done);
  EXPECT_EQ(try_acquire(*semaphore), Entry::timed_out) << "for a slice it is kept for the heir";
  EXPECT_EQ(acquire(*semaphore), Entry::acquired);
  EXPECT_FALSE(*has_come);
  EXPECT_EQ(release(*semaphore), Release::done);
  wait_until([&] { return try_acquire(*semaphore) == Entry::acquired; });
  kill(heir, SIGCONT);
  sleep_ms(30);
  EXPECT_FALSE(*has_come);
  EXPECT_EQ(release(*semaphore), Release::done);
  join_child(heir);
  EXPECT_EQ(count(*semaphore), 1U);
}

TEST(SharedSemaphore, AStoppedWaiterThatIsWokenKeepsTheOthersForASliceAlone) {
  Shared<Semaphore> semaphore;
  const pid_t first = start_child([&] { static_cast<void>(acquire(*semaphore)); });
  sleep_ms(10);
  kill(first, SIGSTOP);
  std::thread second([&] { EXPECT_EQ(acquire(*semaphore), Entry::acquired); });
  sleep_ms(30);
  EXPECT_EQ(release(*semaphore), Release::done);
  second.join();
  kill_child(first);
}

TEST(SharedSemaphore, MoreHoldersThanItHasRoomForAreRefusedAndFindRoomWhenOthersDie) {
  Shared<Semaphore> semaphore;
  start(semaphore, Semaphore::kMax);
  // Processes that do not exist are dead; those of our own make, under other numbers, live.
  for (std::uint32_t i = 0; i < Semaphore::kRows; ++i) {
    const Semaphore::Caller stranger{this_thread_number(), (1U << 29) + i};
    ASSERT_EQ(semaphore->try_acquire(stranger, Deadline::never()), Entry::acquired);
  }
  EXPECT_EQ(semaphore->available(), Semaphore::kMax - Semaphore::kRows);
  EXPECT_EQ(try_acquire(*semaphore), Entry::acquired) << "the strangers are dead: there is room";
  EXPECT_EQ(semaphore->available(), Semaphore::kMax - 1);
}

// The counter is plain: with TSan, this also proves that giving and taking order memory.
TEST(SharedSemaphore, OneAtATimeProtectsPlainMemory) {
  Shared<Semaphore> semaphore;
  start(semaphore, 1, Bound::initial_value);
  Shared<std::int64_t> counter;
  const int rounds = 500 * kScale;
  const auto work = [&](int) {
    for (int i = 0; i < rounds; ++i) {
      EXPECT_EQ(acquire(*semaphore), Entry::acquired);
      ++*counter;
      EXPECT_EQ(release(*semaphore), Release::done);
    }
  };
  const pid_t child = start_child([&] { work(0); });
  run_threads(3, work);
  join_child(child);
  EXPECT_EQ(*counter, 4 * rounds);
  EXPECT_EQ(semaphore->available(), 1U);
}

// A greedy process takes it again as soon as it has given it back. With the hand-over its rival
// gets in as often as it asks, and this test ends.
TEST(SharedSemaphore, AWaiterGetsInBesideAGreedyProcess) {
  Shared<Semaphore> semaphore;
  start(semaphore, 1);
  const pid_t greedy = start_child([&] {
    for (;;) {
      static_cast<void>(acquire(*semaphore));
      static_cast<void>(release(*semaphore));
    }
  });
  for (int i = 0; i < 20 * kScale; ++i) {
    ASSERT_EQ(acquire(*semaphore), Entry::acquired);
    ASSERT_EQ(release(*semaphore), Release::done);
  }
  kill_child(greedy);
  EXPECT_EQ(count(*semaphore), 1U);
}

TEST(SharedSemaphore, ReportsSignalsAndKeepsTheCountThroughAStormOfThem) {
  const testing::Nudge nudge;
  Shared<Semaphore> semaphore;
  start(semaphore, 1);
  std::atomic<int> interruptions{0};
  std::atomic<bool> stop{false};
  std::thread waiter([&] {
    while (!stop) {
      Semaphore::Waiter wait;
      const Entry entry = semaphore->acquire(Semaphore::this_caller(), Deadline::never(), wait);
      if (entry == Entry::interrupted) ++interruptions;
      if (entry != Entry::acquired) continue;
      EXPECT_EQ(release(*semaphore), Release::done);
    }
  });
  for (int i = 0; i < 50 * kScale || interruptions == 0; ++i) {
    EXPECT_EQ(acquire(*semaphore), Entry::acquired);
    nudge(waiter);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    EXPECT_EQ(release(*semaphore), Release::done);
  }
  stop = true;
  waiter.join();
  EXPECT_EQ(count(*semaphore), 1U);
}

// A life with it: random entries. `inside` has a bit for each process that holds a permit.
void live_with(Semaphore& semaphore, std::atomic<std::uint32_t>& inside, std::uint32_t mine,
               int permits, std::atomic<bool>& wrong, unsigned seed) {
  std::mt19937 random(seed);
  for (;;) {
    Entry entry = Entry::timed_out;
    switch (random() % 3) {
      case 0:
        entry = try_acquire(semaphore);
        break;
      case 1:
        entry = acquire(semaphore, Deadline::after(random() % 200'000));
        break;
      default:
        entry = acquire(semaphore);
    }
    if (entry != Entry::acquired) continue;
    if (std::popcount(inside.fetch_or(mine) | mine) > permits) wrong = true;
    if (random() % 16 == 0) std::this_thread::yield();
    inside.fetch_and(~mine);
    if (release(semaphore) != Release::done) wrong = true;
  }
}

TEST(SharedSemaphore, StaysExactWhileProcessesAreKilledAtRandom) {
  constexpr int kPermits = 2;
  constexpr std::size_t kProcesses = 4;
  Shared<Semaphore> semaphore;
  start(semaphore, kPermits, Bound::initial_value);
  Shared<std::atomic<bool>> wrong;
  Shared<std::atomic<std::uint32_t>> inside;
  std::mt19937 random(5);
  std::vector<pid_t> children(kProcesses);
  const auto mark = [](std::size_t i) { return std::uint32_t{1} << i; };
  const auto bear = [&](std::size_t i) {
    const auto seed = static_cast<unsigned>(random());
    children[i] =
        start_child([&] { live_with(*semaphore, *inside, mark(i), kPermits, *wrong, seed); });
  };
  // It is stopped first: so nobody can have its permit before its mark is taken away.
  const auto stop_and_kill = [&](std::size_t i) {
    kill(children[i], SIGSTOP);
    ASSERT_EQ(waitpid(children[i], nullptr, WUNTRACED), children[i]);
    inside->fetch_and(~mark(i));
    if (random() % 4 == 0) sleep_ms(3);
    kill_child(children[i]);
  };
  for (std::size_t i = 0; i < kProcesses; ++i) bear(i);
  for (int kills = 0; kills < 10 * kScale; ++kills) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    const std::size_t victim = random() % kProcesses;
    stop_and_kill(victim);
    bear(victim);
  }
  for (std::size_t i = 0; i < kProcesses; ++i) stop_and_kill(i);
  EXPECT_FALSE(*wrong);
  EXPECT_EQ(count(*semaphore), static_cast<std::uint32_t>(kPermits));
  EXPECT_TRUE(semaphore->holders().empty());
}

}  // namespace
}  // namespace nativeconc::shared
