// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/sync/event.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::sync {
namespace {

using testing::kScale;
using testing::run_in_child;
using testing::run_threads;

WaitResult wait(Event& event, Deadline deadline = Deadline::never()) {
  const std::uint64_t seen = event.epoch();
  return event.wait(seen, deadline);
}

TEST(Event, IsWhatItWasLastMade) {
  Event event;
  EXPECT_FALSE(event.is_set());
  for (int i = 0; i < 3; ++i) {
    event.set();
    event.set();
    EXPECT_TRUE(event.is_set());
    event.clear();
    event.clear();
    EXPECT_FALSE(event.is_set());
  }
}

TEST(Event, LetsThroughWhileItIsSetAndTimesOutWhileItIsNot) {
  Event event;
  EXPECT_EQ(wait(event, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(wait(event, Deadline::after(10'000'000)), WaitResult::timed_out);
  event.set();
  EXPECT_EQ(wait(event), WaitResult::acquired);
  EXPECT_EQ(wait(event, Deadline::expired()), WaitResult::acquired);
  event.clear();
  EXPECT_EQ(wait(event, Deadline::expired()), WaitResult::timed_out);
}

TEST(Event, AWaitThatHasBegunGoesThroughEvenIfTheFlagIsClearedAgain) {
  Event event;
  const std::uint64_t seen = event.epoch();
  EXPECT_EQ(event.wait(seen, Deadline::expired()), WaitResult::timed_out);
  event.set();
  event.clear();
  const std::uint64_t later = event.epoch();
  EXPECT_EQ(event.wait(later, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(event.wait(seen, Deadline::never()), WaitResult::acquired);
}

TEST(Event, WakesEverybodyWhoWaits) {
  Event event;
  std::atomic<int> through{0};
  std::thread setter([&] {
    testing::sleep_ms(10);
    event.set();
  });
  run_threads(8, [&](int i) {
    const Deadline deadline = i % 2 == 0 ? Deadline::never() : Deadline::after(300'000'000'000);
    if (wait(event, deadline) == WaitResult::acquired) ++through;
  });
  setter.join();
  EXPECT_EQ(through, 8);
}

// The value is plain: with TSan, this also proves that set() orders memory before the waits it
// ends.
TEST(Event, WhatCameBeforeSetIsSeenAfterTheWait) {
  for (int i = 0; i < 100 * kScale; ++i) {
    Event event;
    int value = 0;
    std::thread waiter([&] {
      if (i % 2 == 0) {
        EXPECT_EQ(wait(event), WaitResult::acquired);
      } else {
        while (!event.is_set()) std::this_thread::yield();
      }
      EXPECT_EQ(value, i + 1);
    });
    value = i + 1;
    event.set();
    waiter.join();
  }
}

// Each pulse lets everybody through who was registered: nobody may be left asleep by it.
TEST(Event, APulseReachesEverybodyWhoHasBegunToWait) {
  constexpr int kWaiters = 4;
  Event event;
  std::atomic<int> begun{0};
  std::atomic<int> through{0};
  std::atomic<int> pulses{0};
  const int rounds = 100 * kScale;
  std::thread pulser([&] {
    for (int round = 1; round <= rounds; ++round) {
      testing::wait_until([&] { return begun == round * kWaiters; });
      event.set();
      event.clear();
      ++pulses;
    }
  });
  run_threads(kWaiters, [&](int) {
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t seen = event.epoch();
      ASSERT_EQ(event.wait(seen, Deadline::expired()), WaitResult::timed_out);
      ++begun;
      ASSERT_EQ(event.wait(seen, Deadline::never()), WaitResult::acquired);
      ++through;
      while (pulses <= round) std::this_thread::yield();
    }
  });
  pulser.join();
  EXPECT_EQ(through, rounds * kWaiters);
}

TEST(Event, RandomSchedulesOfSettingClearingAndWaitingLeaveNobodyAsleep) {
  Event event;
  std::atomic<int> at_work{4};
  std::thread setters[2];
  for (unsigned i = 0; i < 2; ++i) {
    setters[i] = std::thread([&, i] {
      std::mt19937 random(i);
      while (at_work > 0) {
        event.set();
        if (random() % 4 == 0) std::this_thread::yield();
        event.clear();
      }
    });
  }
  run_threads(4, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 5000 * kScale; ++i) {
      const bool timed = random() % 2 == 0;
      const Deadline deadline = timed ? Deadline::after(random() % 100'000) : Deadline::never();
      const WaitResult result = wait(event, deadline);
      if (!timed) {
        EXPECT_EQ(result, WaitResult::acquired);
      }
    }
    --at_work;
  });
  for (std::thread& setter : setters) setter.join();
  EXPECT_FALSE(event.is_set());
}

TEST(Event, AnInterruptedWaitGoesOnWhereItWas) {
  const testing::Nudge nudge;
  Event event;
  std::atomic<int> interruptions{0};
  std::atomic<bool> pulsed{false};
  std::thread waiter([&] {
    const std::uint64_t seen = event.epoch();
    WaitResult result = WaitResult::interrupted;
    while (result == WaitResult::interrupted) {
      result = event.wait(seen, Deadline::never());
      if (result != WaitResult::interrupted) break;
      // The pulse may come between two parts of the wait.
      if (++interruptions == 3) testing::wait_until([&] { return pulsed.load(); });
    }
    EXPECT_EQ(result, WaitResult::acquired);
  });
  while (interruptions < 3) {
    nudge(waiter);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  event.set();
  event.clear();
  pulsed = true;
  waiter.join();
}

TEST(Event, AForkedChildFindsTheFlagAsItWasAndForgetsTheWaiters) {
  Event event;
  std::thread waiters[2];
  for (std::thread& waiter : waiters) {
    waiter = std::thread([&] { EXPECT_EQ(wait(event), WaitResult::acquired); });
  }
  const std::uint64_t seen = event.epoch();
  EXPECT_EQ(event.wait(seen, Deadline::after(5'000'000)), WaitResult::timed_out);
  const int in_child = run_in_child([&event, &seen] {
    if (event.is_set()) return 1;
    if (wait(event, Deadline::after(1'000'000)) != WaitResult::timed_out) return 2;
    event.set();
    if (!event.is_set() || wait(event) != WaitResult::acquired) return 3;
    event.clear();
    if (event.wait(seen, Deadline::expired()) != WaitResult::acquired) return 4;
    if (!testing::kThreadsAfterFork) return 7;
    std::thread setter([&] { event.set(); });
    const bool through = wait(event) == WaitResult::acquired;
    setter.join();
    return through ? 7 : 5;
  });
  EXPECT_EQ(in_child, 7);
  EXPECT_FALSE(event.is_set());
  event.set();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(run_in_child([&event] { return event.is_set() ? 7 : 1; }), 7);
}

}  // namespace
}  // namespace nativeconc::sync
