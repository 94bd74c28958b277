// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Holders of a robust mutex that die between any two steps of a critical section.
#include <atomic>

#include "every_fault.hpp"
#include "nativeconc/shared/robust_mutex.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;
using Taken = RobustMutex::Taken;

// Two numbers that are equal whenever nobody is inside.
struct Guarded {
  RobustMutex mutex;
  std::atomic<int> first{0};
  std::atomic<int> second{0};

  Taken enter() {
    const Taken taken = mutex.lock(this_thread_number(), Deadline::never());
    if (taken == Taken::owner_died) second = first.load();
    return taken;
  }
  void add() {
    fault_point();
    ++first;
    fault_point();
    ++second;
    fault_point();
    mutex.unlock();
    fault_point();
  }
};

TEST(RobustMutexFaults, TheNextOneIsToldExactlyIfTheOneBeforeDiedInside) {
  int told = 0;
  const int points = die_at_every_fault_point<Guarded>(
      [](Guarded& guarded) {
        EXPECT_EQ(guarded.enter(), Taken::clean);
        guarded.add();
      },
      [&](Guarded& guarded, Fate fate) {
        const Taken taken = guarded.enter();
        if (fate == Fate::survived) {
          EXPECT_EQ(taken, Taken::clean);
        }
        told += taken == Taken::owner_died ? 1 : 0;
        EXPECT_EQ(guarded.first, guarded.second);
        guarded.add();
        EXPECT_EQ(guarded.enter(), Taken::clean);
        guarded.mutex.unlock();
      });
  EXPECT_EQ(points, 6);
  EXPECT_EQ(told, 5);
}

TEST(RobustMutexFaults, WhoDiesWhileItLetsGoOfAContendedOneLeavesNobodyAsleep) {
  for (int n = 0;; ++n) {
    testing::Shared<Guarded> guarded;
    testing::Shared<std::atomic<bool>> holds;
    const pid_t holder = testing::start_doomed_child(n, [&] {
      EXPECT_EQ(guarded->enter(), Taken::clean);
      *holds = true;
      testing::sleep_ms(10);  // until the other sleeps
      guarded->add();
    });
    testing::wait_until([&] { return *holds || n == 0; });  // the first point stands before that
    EXPECT_NE(guarded->enter(), Taken::timed_out);
    EXPECT_EQ(guarded->first, guarded->second);
    guarded->mutex.unlock();
    if (testing::fate_of(holder) == Fate::survived) {
      EXPECT_GE(n, 6);
      break;
    }
  }
}

}  // namespace
}  // namespace nativeconc::shared
