// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Semaphores whose holders and waiters die or are stopped: permits stay exact.
#include <bit>
#include <random>
#include <thread>
#include <vector>

#include "semaphore_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::join_child;
using testing::kill_child;
using testing::kScale;
using testing::Shared;
using testing::sleep_ms;
using testing::start_child;
using testing::wait_until;

TEST(SharedSemaphoreDeath, ADeadHoldersPermitsComeBackToATryAndToAWaiter) {
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

TEST(SharedSemaphoreDeath, ATimedWaitForADeadHoldersPermitGetsIt) {
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

TEST(SharedSemaphoreDeath, AReleaseByOneThatHoldsNoneDebitsTheOldestLivingHolder) {
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

TEST(SharedSemaphoreDeath, ADeadWaiterTakesNothingWithIt) {
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

TEST(SharedSemaphoreDeath, AStoppedHeirKeepsNobodyOut) {
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

TEST(SharedSemaphoreDeath, AStoppedWaiterThatIsWokenKeepsTheOthersForASliceAlone) {
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

TEST(SharedSemaphoreDeath, MoreHoldersThanItHasRoomForAreRefusedAndFindRoomWhenOthersDie) {
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

TEST(SharedSemaphoreDeath, StaysExactWhileProcessesAreKilledAtRandom) {
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
