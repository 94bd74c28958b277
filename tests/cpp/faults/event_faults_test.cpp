// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Setters and waiters of a shared event that die between any two steps.
#include <thread>

#include "every_fault.hpp"
#include "nativeconc/shared/event.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;

TEST(EventFaults, ASetterThatDiesLeavesTheFlagSetOrNotAndNobodyAsleepOnASetOne) {
  const auto set_before_a_waiter = [](Event& event) {
    // A waiter that is stopped before it looks again keeps its mark in the word, so that this child
    // must wake.
    EXPECT_EQ(event.wait(event.epoch(), Deadline::after(1'000'000)), WaitResult::timed_out);
    event.set();
  };
  const int points =
      die_at_every_fault_point<Event>(set_before_a_waiter, [](Event& event, Fate fate) {
        if (fate == Fate::survived) {
          EXPECT_TRUE(event.is_set());
        }
        const std::uint64_t before = event.epoch();
        if (event.is_set()) {
          EXPECT_EQ(event.wait(before, Deadline::expired()), WaitResult::acquired);
          event.clear();
        }
        std::thread waiter(
            [&] { EXPECT_EQ(event.wait(before, Deadline::never()), WaitResult::acquired); });
        event.set();
        waiter.join();
      });
  EXPECT_GE(points, 2);
}

TEST(EventFaults, WhoSleepsThroughTheDeathOfTheSetterFindsTheFlagSet) {
  for (int n = 0; n < 2; ++n) {
    testing::Shared<Event> event;
    testing::Shared<std::atomic<bool>> may_set;
    std::thread waiter;
    const std::uint64_t before = event->epoch();
    const pid_t setter = testing::start_doomed_child(n, [&] {
      while (!*may_set) testing::sleep_ms(1);
      event->set();
    });
    std::atomic<pid_t> id{0};
    waiter = std::thread([&] {
      id = testing::kernel_id();
      EXPECT_EQ(event->wait(before, Deadline::never()), WaitResult::acquired);
    });
    testing::wait_until_asleep(id);
    *may_set = true;
    EXPECT_EQ(testing::fate_of(setter), Fate::died);
    if (n == 0) event->set();  // the first point stands before the flag is set
    waiter.join();
  }
}

}  // namespace
}  // namespace nativeconc::shared
