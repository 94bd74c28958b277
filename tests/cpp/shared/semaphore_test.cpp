// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Semaphores between processes that live.
#include "nativeconc/shared/semaphore.hpp"

#include <thread>
#include <vector>

#include "semaphore_support.hpp"
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
  for (int i = 0; i < 10 * kScale || interruptions == 0; ++i) {
    EXPECT_EQ(acquire(*semaphore), Entry::acquired);
    nudge(waiter);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    EXPECT_EQ(release(*semaphore), Release::done);
  }
  stop = true;
  waiter.join();
  EXPECT_EQ(count(*semaphore), 1U);
}

}  // namespace
}  // namespace nativeconc::shared
