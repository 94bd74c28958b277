// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Threads that die while they enter the directory of threads.
#include <atomic>

#include "every_fault.hpp"

namespace nativeconc::shared {
namespace {

using testing::Fate;

TEST(ThreadDirectoryFaults, WhoeverDiesWhileItEntersIsDeadAndSoAreThoseBeforeIt) {
  testing::Shared<std::atomic<ThreadNumber>> number;
  testing::in_child([&] { *number = this_thread_number(); });
  const ThreadNumber first_dead = *number;
  int points = 0;
  for (;; ++points) {
    SCOPED_TRACE("fault point " + std::to_string(points));
    *number = kNobody;
    const pid_t child = testing::start_child([&] {
      fault_points_left = points;
      *number = this_thread_number();
      fault_points_left = -1;
      EXPECT_FALSE(is_thread_dead(*number));
      EXPECT_EQ(identify(*number).pid, getpid());
    });
    const Fate fate = testing::fate_of(child);
    EXPECT_TRUE(is_thread_dead(first_dead));
    EXPECT_FALSE(is_thread_dead(this_thread_number()));
    if (fate == Fate::died) continue;
    EXPECT_TRUE(is_thread_dead(*number));
    break;
  }
  EXPECT_GE(points, 4);
}

TEST(ThreadDirectoryFaults, TheSlotOfOneThatDiedWhileItEnteredIsUsedAgain) {
  // More deaths than there are slots at first, at each of the points in turn.
  for (int i = 0; i < 600; ++i) {
    const pid_t child = testing::start_child([&] {
      fault_points_left = i % 4;
      this_thread_number();
    });
    ASSERT_EQ(testing::fate_of(child), Fate::died);
  }
  testing::in_child([] { EXPECT_FALSE(is_thread_dead(this_thread_number())); });
}

}  // namespace
}  // namespace nativeconc::shared
