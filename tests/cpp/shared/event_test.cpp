// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A flag between processes, some of which die.
#include "nativeconc/shared/event.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "processes.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::Shared;
using testing::start_child;

WaitResult wait(Event& event, Deadline deadline = Deadline::never()) {
  const std::uint64_t seen = event.epoch();
  return event.wait(seen, deadline);
}

TEST(SharedEvent, IsOneFlagForAllProcesses) {
  Shared<Event> event;
  EXPECT_EQ(wait(*event, Deadline::expired()), WaitResult::timed_out);
  in_child([&] { event->set(); });
  EXPECT_TRUE(event->is_set());
  EXPECT_EQ(wait(*event), WaitResult::acquired);
  in_child([&] {
    EXPECT_EQ(wait(*event), WaitResult::acquired);
    event->clear();
  });
  EXPECT_FALSE(event->is_set());
  EXPECT_EQ(event->epoch(), 1U);
}

TEST(SharedEvent, HonoursDeadlinesOfLessAndMoreThanASlice) {
  Shared<Event> event;
  for (const std::int64_t timeout : {1'000'000, 50'000'000}) {
    const std::int64_t start = monotonic_ns();
    EXPECT_EQ(wait(*event, Deadline::after(timeout)), WaitResult::timed_out);
    EXPECT_GE(monotonic_ns() - start, timeout);
  }
}

TEST(SharedEvent, LetsThroughEverybodyWhoWaits) {
  Shared<Event> event;
  Shared<std::atomic<int>> began;
  std::vector<pid_t> children;
  for (int i = 0; i < 5; ++i) {
    children.push_back(start_child([&] {
      const std::uint64_t seen = event->epoch();
      ++*began;
      EXPECT_EQ(event->wait(seen, Deadline::never()), WaitResult::acquired);
    }));
  }
  testing::wait_until([&] { return *began == 5; });
  event->set();
  event->clear();
  for (const pid_t child : children) testing::join_child(child);
}

TEST(SharedEvent, KilledWaitersHoldNobodyUp) {
  Shared<Event> event;
  Shared<std::atomic<int>> began;
  const auto wait_in_child = [&] {
    const std::uint64_t seen = event->epoch();
    ++*began;
    EXPECT_EQ(event->wait(seen, Deadline::never()), WaitResult::acquired);
  };
  std::vector<pid_t> doomed;
  for (int i = 0; i < 3; ++i) doomed.push_back(start_child(wait_in_child));
  const pid_t survivor = start_child(wait_in_child);
  testing::wait_until([&] { return *began == 4; });
  testing::sleep_ms(10);
  for (const pid_t child : doomed) testing::kill_child(child);
  event->set();
  testing::join_child(survivor);
}

TEST(SharedEvent, ASignalInterruptsAWaitThatIsLongerThanASlice) {
  const testing::Nudge nudge;
  Shared<Event> event;
  std::atomic<pid_t> id{0};
  std::thread waiter([&] {
    const std::uint64_t seen = event->epoch();
    id = testing::kernel_id();
    EXPECT_EQ(event->wait(seen, Deadline::never()), WaitResult::interrupted);
    EXPECT_EQ(event->wait(seen, Deadline::never()), WaitResult::acquired);
  });
  testing::wait_until_asleep(id);
  testing::sleep_ms(45);
  testing::wait_until_asleep(id);
  nudge(waiter);
  testing::sleep_ms(5);
  event->set();
  waiter.join();
}

}  // namespace
}  // namespace nativeconc::shared
