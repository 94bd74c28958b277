// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/condition.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <random>
#include <vector>

#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/sync/lock.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::kScale;
using testing::run_in_child;
using testing::run_threads;

constexpr std::uint64_t kEverybody = ~std::uint64_t{0};

// So many waiters in line, all of this thread.
std::vector<Condition::Waiter*> enter(Condition& condition, std::size_t n) {
  std::vector<Condition::Waiter*> waiters(n);
  for (Condition::Waiter*& waiter : waiters) waiter = condition.enter();
  return waiters;
}

// Which of them have been notified, from the first to the last; ends them all.
std::vector<bool> leave(Condition& condition, const std::vector<Condition::Waiter*>& waiters) {
  std::vector<bool> notified;
  for (Condition::Waiter* waiter : waiters) notified.push_back(condition.leave(waiter));
  return notified;
}

std::vector<bool> first(std::size_t n, std::size_t of) {
  std::vector<bool> notified(of, false);
  std::fill_n(notified.begin(), n, true);
  return notified;
}

TEST(Condition, ANotifyThatFindsNobodyIsForgotten) {
  Condition condition;
  EXPECT_EQ(condition.notify(1), 0U);
  EXPECT_EQ(condition.notify(kEverybody), 0U);
  Condition::Waiter* waiter = condition.enter();
  EXPECT_EQ(condition.wait(*waiter, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(condition.wait(*waiter, Deadline::after(10'000'000)), WaitResult::timed_out);
  EXPECT_EQ(condition.waiters(), 1U);
  EXPECT_FALSE(condition.leave(waiter));
  EXPECT_EQ(condition.waiters(), 0U);
}

TEST(Condition, ANotifyBetweenEnterAndWaitCounts) {
  Condition condition;
  Condition::Waiter* waiter = condition.enter();
  EXPECT_EQ(condition.notify(1), 1U);
  EXPECT_EQ(condition.notify(1), 0U);
  EXPECT_EQ(condition.wait(*waiter, Deadline::never()), WaitResult::acquired);
  EXPECT_EQ(condition.wait(*waiter, Deadline::expired()), WaitResult::acquired);
  EXPECT_TRUE(condition.leave(waiter));
}

TEST(Condition, ANotifyBetweenTimingOutAndLeavingCounts) {
  Condition condition;
  Condition::Waiter* waiter = condition.enter();
  EXPECT_EQ(condition.wait(*waiter, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(condition.notify(1), 1U);
  EXPECT_TRUE(condition.leave(waiter));
}

TEST(Condition, NotifiesTheFirstWhoCame) {
  Condition condition;
  for (const std::size_t n : {0U, 1U, 2U, 5U}) {
    const auto waiters = enter(condition, 5);
    EXPECT_EQ(condition.notify(n), n);
    EXPECT_EQ(condition.waiters(), 5 - n);
    EXPECT_EQ(leave(condition, waiters), first(n, 5));
  }
}

TEST(Condition, NotifiesAnyNumberAtOnce) {
  Condition condition;
  for (const std::size_t n : {31U, 32U, 33U, 64U, 65U, 99U}) {
    const auto waiters = enter(condition, 100);
    EXPECT_EQ(condition.notify(n), n);
    EXPECT_EQ(condition.waiters(), 100 - n);
    EXPECT_EQ(leave(condition, waiters), first(n, 100));
  }
  const auto waiters = enter(condition, 100);
  EXPECT_EQ(condition.notify(kEverybody), 100U);
  EXPECT_EQ(leave(condition, waiters), first(100, 100));
}

TEST(Condition, WhoLeavesFromAnywhereInTheLineIsNotNotified) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Condition condition;
    auto waiters = enter(condition, 6);
    for (int i = 0; i < 3; ++i) {
      const auto gone = waiters.begin() + static_cast<std::ptrdiff_t>(random() % waiters.size());
      EXPECT_FALSE(condition.leave(*gone));
      waiters.erase(gone);
    }
    waiters.push_back(condition.enter());
    EXPECT_EQ(condition.waiters(), 4U);
    EXPECT_EQ(condition.notify(2), 2U);
    EXPECT_EQ(leave(condition, waiters), first(2, 4));
    EXPECT_EQ(condition.waiters(), 0U);
  }
}

TEST(Condition, WakesThreadsThatSleep) {
  Condition condition;
  std::atomic<int> notified{0};
  std::thread notifier([&] {
    testing::wait_until([&] { return condition.waiters() == 8; });
    testing::sleep_ms(5);
    EXPECT_EQ(condition.notify(3), 3U);
    testing::wait_until([&] { return notified == 3; });
    EXPECT_EQ(condition.notify(kEverybody), 5U);
  });
  run_threads(8, [&](int) {
    Condition::Waiter* waiter = condition.enter();
    EXPECT_EQ(condition.wait(*waiter, Deadline::never()), WaitResult::acquired);
    ++notified;
    EXPECT_TRUE(condition.leave(waiter));
  });
  notifier.join();
  EXPECT_EQ(notified, 8);
}

// What notify() counts as woken, and what leave() says, is the same, however timeouts fall.
TEST(Condition, EveryNotifyIsReceivedByExactlyOneWaiter) {
  Condition condition;
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<int> at_work{4};
  std::thread notifiers[2];
  for (unsigned i = 0; i < 2; ++i) {
    notifiers[i] = std::thread([&, i] {
      std::mt19937 random(i);
      while (at_work > 0) {
        sent += condition.notify(random() % 4 == 0 ? kEverybody : random() % 3);
        if (random() % 8 == 0) std::this_thread::yield();
      }
    });
  }
  run_threads(4, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::uint64_t mine = 0;
    for (int i = 0; i < 3000 * kScale; ++i) {
      Condition::Waiter* waiter = condition.enter();
      WaitResult result = WaitResult::timed_out;
      switch (random() % 4) {
        case 0:
          break;
        case 1:
          result = condition.wait(*waiter, Deadline::never());
          EXPECT_EQ(result, WaitResult::acquired);
          break;
        default:
          result = condition.wait(*waiter, Deadline::after(random() % 60'000));
      }
      const bool notified = condition.leave(waiter);
      EXPECT_TRUE(notified || result != WaitResult::acquired);
      if (notified) ++mine;
    }
    received += mine;
    --at_work;
  });
  for (std::thread& notifier : notifiers) notifier.join();
  EXPECT_EQ(sent, received);
  EXPECT_EQ(condition.waiters(), 0U);
}

// The classic use: a bounded buffer under one lock with two conditions. The queue is plain memory.
TEST(Condition, ABoundedBufferLosesNothing) {
  constexpr std::size_t kCapacity = 3;
  Lock lock;
  Condition not_empty;
  Condition not_full;
  std::deque<int> queue;
  const auto take = [&] {
    Waiter waiter;
    EXPECT_EQ(lock.acquire(deadlock::this_thread(), Deadline::never(), waiter),
              WaitResult::acquired);
  };
  const auto wait = [&](Condition& condition) {
    Condition::Waiter* waiter = condition.enter();
    lock.release();
    EXPECT_EQ(condition.wait(*waiter, Deadline::never()), WaitResult::acquired);
    EXPECT_TRUE(condition.leave(waiter));
    take();
  };
  const int each = 1000 * kScale;
  std::atomic<std::int64_t> sum{0};
  run_threads(6, [&](int i) {
    std::int64_t mine = 0;
    for (int k = 1; k <= each; ++k) {
      take();
      if (i % 2 == 0) {
        while (queue.size() == kCapacity) wait(not_full);
        queue.push_back(k);
        not_empty.notify(1);
      } else {
        while (queue.empty()) wait(not_empty);
        mine += queue.front();
        queue.pop_front();
        not_full.notify(1);
      }
      lock.release();
    }
    sum += mine;
  });
  EXPECT_EQ(sum, std::int64_t{3} * each * (each + 1) / 2);
  EXPECT_TRUE(queue.empty());
}

TEST(Condition, AnInterruptedWaitGoesOn) {
  const testing::Nudge nudge;
  Condition condition;
  std::atomic<int> interruptions{0};
  std::thread thread([&] {
    Condition::Waiter* waiter = condition.enter();
    WaitResult result = WaitResult::interrupted;
    while (result == WaitResult::interrupted) {
      result = condition.wait(*waiter, Deadline::never());
      if (result == WaitResult::interrupted) ++interruptions;
    }
    EXPECT_EQ(result, WaitResult::acquired);
    EXPECT_TRUE(condition.leave(waiter));
  });
  while (interruptions < 3) {
    nudge(thread);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(condition.waiters(), 1U);
  EXPECT_EQ(condition.notify(1), 1U);
  thread.join();
}

TEST(Condition, AfterAResetThoseWhoWaitedLeaveAsIfNeverNotified) {
  Condition condition;
  const auto before = enter(condition, 3);
  condition.reset();
  EXPECT_EQ(condition.waiters(), 0U);
  EXPECT_EQ(condition.notify(kEverybody), 0U);
  const auto after = enter(condition, 2);
  EXPECT_EQ(leave(condition, before), first(0, 3));
  EXPECT_EQ(condition.waiters(), 2U);
  EXPECT_EQ(condition.notify(1), 1U);
  EXPECT_EQ(leave(condition, after), first(1, 2));
  EXPECT_EQ(condition.waiters(), 0U);
}

TEST(Condition, AForkedChildForgetsTheWaitersOfItsParent) {
  Condition condition;
  std::thread waiters[2];
  for (std::thread& thread : waiters) {
    thread = std::thread([&] {
      Condition::Waiter* waiter = condition.enter();
      EXPECT_EQ(condition.wait(*waiter, Deadline::never()), WaitResult::acquired);
      EXPECT_TRUE(condition.leave(waiter));
    });
  }
  testing::wait_until([&] { return condition.waiters() == 2; });
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(run_in_child([&condition] {
                if (condition.waiters() != 0 || condition.notify(kEverybody) != 0) return 1;
                Condition::Waiter* waiter = condition.enter();
                if (condition.waiters() != 1 || condition.notify(1) != 1) return 2;
                return condition.leave(waiter) ? 7 : 3;
              }),
              7);
  }
  EXPECT_EQ(condition.waiters(), 2U);
  EXPECT_EQ(condition.notify(kEverybody), 2U);
  for (std::thread& thread : waiters) thread.join();
}

// As when a signal handler forks: parent and child both go on with the wait.
TEST(Condition, TheForkingThreadGoesOnWaitingInTheChild) {
  Condition condition;
  Condition::Waiter* other = condition.enter();
  Condition::Waiter* mine = condition.enter();
  EXPECT_EQ(run_in_child([&condition, mine] {
              if (condition.wait(*mine, Deadline::expired()) != WaitResult::timed_out) return 1;
              if (condition.waiters() != 1 || condition.notify(kEverybody) != 1) return 2;
              if (condition.wait(*mine, Deadline::never()) != WaitResult::acquired) return 3;
              return condition.leave(mine) && condition.waiters() == 0 ? 7 : 4;
            }),
            7);
  EXPECT_EQ(run_in_child([&condition, mine, other] {
              if (condition.leave(mine) || condition.leave(other)) return 1;
              return condition.waiters() == 0 && condition.notify(1) == 0 ? 7 : 2;
            }),
            7);
  EXPECT_EQ(condition.notify(1), 1U);
  EXPECT_EQ(run_in_child([&condition, other] {
              if (condition.wait(*other, Deadline::never()) != WaitResult::acquired) return 1;
              return condition.leave(other) && condition.waiters() == 0 ? 7 : 2;
            }),
            7);
  EXPECT_TRUE(condition.leave(other));
  EXPECT_FALSE(condition.leave(mine));
}

// A fork may come while another thread holds the mutex of the list: the child must get over that.
TEST(Condition, AForkAtAnyMomentLeavesTheChildAListThatWorks) {
  Condition condition;
  std::atomic<bool> stop{false};
  std::thread busy[2];
  for (std::thread& thread : busy) {
    thread = std::thread([&] {
      while (!stop) {
        const auto waiters = enter(condition, 3);
        condition.notify(1);
        leave(condition, waiters);
      }
    });
  }
  for (int i = 0; i < 20 * kScale; ++i) {
    ASSERT_EQ(run_in_child([&condition] {
                if (condition.waiters() != 0) return 1;
                const auto waiters = enter(condition, 5);
                if (condition.notify(2) != 2) return 2;
                return leave(condition, waiters) == first(2, 5) ? 7 : 3;
              }),
              7);
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

}  // namespace
}  // namespace nativeconc::sync
