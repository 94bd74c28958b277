// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Processes that die between any two steps of taking and giving the permits of a shared semaphore.
#include "every_fault.hpp"
#include "nativeconc/shared/semaphore.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;
using Bound = Semaphore::Bound;
using Entry = Semaphore::Entry;
using Release = Semaphore::Release;

Entry acquire(Semaphore& semaphore, Deadline deadline = Deadline::never()) {
  Semaphore::Waiter waiter;
  return semaphore.acquire(Semaphore::this_caller(), deadline, waiter);
}

Entry try_acquire(Semaphore& semaphore) {
  return semaphore.try_acquire(Semaphore::this_caller(), Deadline::never());
}

Release release(Semaphore& semaphore, std::uint32_t n = 1) {
  return semaphore.release(Semaphore::this_caller(), n, Deadline::never());
}

// How many there are for a process that holds none.
std::uint32_t count(Semaphore& semaphore) {
  std::uint32_t n = 0;
  while (acquire(semaphore, Deadline::expired()) == Entry::acquired) ++n;
  return n;
}

void two_permits(Semaphore& semaphore) { new (&semaphore) Semaphore(2, Bound::initial_value); }

void expect_two(Semaphore& semaphore, Fate) {
  EXPECT_EQ(count(semaphore), 2U);
  EXPECT_EQ(release(semaphore, 2), Release::done);
  EXPECT_EQ(release(semaphore), Release::too_many);
  EXPECT_EQ(semaphore.available(), 2U);
  EXPECT_TRUE(semaphore.holders().empty());
}

TEST(SemaphoreFaults, APermitIsNeitherLostNorDoubledByOneThatTakesOrGivesIt) {
  const int points = die_at_every_fault_point<Semaphore>(
      two_permits,
      [](Semaphore& semaphore) {
        EXPECT_EQ(try_acquire(semaphore), Entry::acquired);
        EXPECT_EQ(acquire(semaphore), Entry::acquired);
        EXPECT_EQ(release(semaphore), Release::done);
        EXPECT_EQ(release(semaphore), Release::done);
      },
      expect_two);
  EXPECT_GE(points, 8);
}

TEST(SemaphoreFaults, WhoeverDiesWhileItTakesTheMutexOfADeadOneLeavesItToTheNext) {
  const auto prepare = [](Semaphore& semaphore) {
    two_permits(semaphore);
    // It has the mutex, and has just taken a permit, when it dies.
    const pid_t dead = testing::start_doomed_child(-1, [&] {
      this_process_number();
      fault_points_left = 1;
      static_cast<void>(acquire(semaphore));
    });
    EXPECT_EQ(testing::fate_of(dead), Fate::died);
  };
  const int points = die_at_every_fault_point<Semaphore>(
      prepare, [](Semaphore& semaphore) { EXPECT_EQ(try_acquire(semaphore), Entry::acquired); },
      expect_two);
  EXPECT_GE(points, 5);
}

TEST(SemaphoreFaults, ADeadHoldersPermitsSurviveTheDeathOfWhoFindsIt) {
  const auto prepare = [](Semaphore& semaphore) {
    two_permits(semaphore);
    testing::in_child([&] {
      EXPECT_EQ(try_acquire(semaphore), Entry::acquired);
      EXPECT_EQ(try_acquire(semaphore), Entry::acquired);
    });
  };
  const int points = die_at_every_fault_point<Semaphore>(
      prepare, [](Semaphore& semaphore) { EXPECT_EQ(try_acquire(semaphore), Entry::acquired); },
      expect_two);
  EXPECT_GE(points, 4);
}

TEST(SemaphoreFaults, AReleaseForOthersGivesWhatItGave) {
  const auto prepare = [](Semaphore& semaphore) {
    new (&semaphore) Semaphore(2, Bound::none);
    EXPECT_EQ(try_acquire(semaphore), Entry::acquired);
    EXPECT_EQ(try_acquire(semaphore), Entry::acquired);
  };
  std::uint32_t most = 0;
  const int points = die_at_every_fault_point<Semaphore>(
      prepare, [](Semaphore& semaphore) { EXPECT_EQ(release(semaphore, 3), Release::done); },
      [&](Semaphore& semaphore, Fate fate) {
        // First what the holder, this process, has; then one more.
        const std::uint32_t held = semaphore.holders().empty() ? 0 : semaphore.holders()[0].held;
        const std::uint32_t total = semaphore.total();
        EXPECT_TRUE(total == 2 || (total == 3 && held == 0));
        const std::uint32_t given = total - held;
        EXPECT_GE(given, most) << "the later it dies, the more it has given";
        most = given;
        if (fate == Fate::survived) {
          EXPECT_EQ(given, 3U);
        }
        EXPECT_EQ(count(semaphore), given);
      });
  EXPECT_GE(points, 4);
  EXPECT_EQ(most, 3U);
}

TEST(SemaphoreFaults, AWaiterThatDiesAsTheHeirTakesNothingWithIt) {
  const int points = die_at_every_fault_point<Semaphore>(
      [](Semaphore& semaphore) {
        // Two slices, so that it becomes the heir.
        EXPECT_EQ(acquire(semaphore, Deadline::after(30'000'000)), Entry::timed_out);
      },
      [](Semaphore& semaphore, Fate) {
        EXPECT_EQ(release(semaphore), Release::done);
        EXPECT_EQ(try_acquire(semaphore), Entry::acquired);
        EXPECT_EQ(try_acquire(semaphore), Entry::timed_out);
        EXPECT_EQ(release(semaphore), Release::done);
        EXPECT_EQ(semaphore.total(), 1U);
      });
  EXPECT_GE(points, 3);
}

}  // namespace
}  // namespace nativeconc::shared
