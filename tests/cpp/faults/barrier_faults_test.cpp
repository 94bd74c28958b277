// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Parties of a shared barrier, and those who abort or reset it, that die between any two steps.
#include <algorithm>
#include <array>
#include <atomic>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "every_fault.hpp"
#include "shared/barrier_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;
using testing::pass;
using testing::Passed;
using Outcome = Barrier::Outcome;
using Role = Barrier::Role;

void expect_whole(Barrier& barrier) {
  testing::reset(barrier);
  EXPECT_FALSE(barrier.is_broken());
  EXPECT_EQ(barrier.waiting(), 0U);
  testing::run_threads(static_cast<int>(barrier.parties()), [&](int) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(pass(barrier).outcome, Outcome::tripped);
  });
  // Every place can be had.
  std::vector<Barrier::Arrival> all;
  for (std::uint32_t i = 0; i + 1 < barrier.parties(); ++i) {
    all.push_back(testing::arrive(barrier));
    EXPECT_EQ(all.back().role, Role::waits);
    EXPECT_EQ(all.back().place.index, i);
  }
  for (const Barrier::Arrival& arrival : all) testing::leave(barrier, arrival);
}

// A child does something about two threads that wait here; returns what they are told, who must be
// of one mind.
template <class Doomed>
int die_before_two_who_wait(Doomed doomed, std::initializer_list<Outcome> allowed,
                            Outcome if_it_survives) {
  for (int n = 0;; ++n) {
    SCOPED_TRACE("fault point " + std::to_string(n));
    testing::Shared<Barrier> barrier;
    barrier->set_parties(3);
    testing::Shared<std::atomic<bool>> may_act;
    const pid_t child = testing::start_doomed_child(n, [&] {
      while (!*may_act) testing::sleep_ms(1);
      doomed(*barrier);
    });
    std::array<Passed, 2> told;
    std::array<std::thread, 2> waiters;
    for (std::size_t i = 0; i < 2; ++i) {
      waiters[i] = std::thread([&, i] { told[i] = pass(*barrier); });
    }
    testing::wait_for_waiting(*barrier, 2);
    *may_act = true;
    const Fate fate = testing::fate_of(child);
    if (fate == Fate::died) {
      // They wait for one who will never come, unless it has done what it was to do.
      testing::sleep_ms(60);
      if (barrier->waiting() == 2) testing::abort(*barrier);
    }
    for (std::thread& waiter : waiters) waiter.join();
    EXPECT_EQ(told[0].outcome, told[1].outcome);
    EXPECT_NE(std::find(allowed.begin(), allowed.end(), told[0].outcome), allowed.end());
    if (fate == Fate::survived) {
      EXPECT_EQ(told[0].outcome, if_it_survives);
    }
    expect_whole(*barrier);
    if (fate == Fate::survived || ::testing::Test::HasFailure()) return n;
  }
}

TEST(BarrierFaults, ALastOneThatDiesLetsAllGoOrNone) {
  const int points = die_before_two_who_wait(
      [](Barrier& barrier) { EXPECT_EQ(pass(barrier).outcome, Outcome::tripped); },
      {Outcome::tripped, Outcome::broken}, Outcome::tripped);
  EXPECT_GE(points, 10);
}

TEST(BarrierFaults, ALastOneThatDiesWhileItBreaksTheBarrierHasBrokenItForAll) {
  const int points = die_before_two_who_wait(
      [](Barrier& barrier) {
        EXPECT_EQ(pass(barrier, Deadline::never(), [] { return Outcome::broken; }).outcome,
                  Outcome::broken);
      },
      {Outcome::broken}, Outcome::broken);
  EXPECT_GE(points, 10);
}

TEST(BarrierFaults, OneThatDiesWhileItAbortsBreaksItForAllOrNone) {
  const int points = die_before_two_who_wait([](Barrier& barrier) { testing::abort(barrier); },
                                             {Outcome::broken}, Outcome::broken);
  EXPECT_GE(points, 8);
}

TEST(BarrierFaults, OneThatDiesWhileItResetsSendsAwayAllOrNone) {
  const int points = die_before_two_who_wait([](Barrier& barrier) { testing::reset(barrier); },
                                             {Outcome::broken}, Outcome::broken);
  EXPECT_GE(points, 8);
}

void make_for_two(Barrier& barrier) { barrier.set_parties(2); }

TEST(BarrierFaults, OneThatDiesWhileItArrivesOrGivesUpLeavesTheBarrierMendable) {
  const int points = die_at_every_fault_point<Barrier>(
      make_for_two,
      [](Barrier& barrier) {
        EXPECT_EQ(pass(barrier, Deadline::after(30'000'000)).outcome, Outcome::open);
      },
      [](Barrier& barrier, Fate) {
        EXPECT_EQ(barrier.waiting(), 0U);
        expect_whole(barrier);
      });
  EXPECT_GE(points, 12);
}

TEST(BarrierFaults, OneThatDiesWhileItGoesAwayIsGoneOrBreaksIt) {
  const int points = die_at_every_fault_point<Barrier>(
      make_for_two,
      [](Barrier& barrier) {
        EXPECT_EQ(testing::leave(barrier, testing::arrive(barrier)), Outcome::open);
      },
      [](Barrier& barrier, Fate fate) {
        if (fate == Fate::survived) {
          EXPECT_FALSE(barrier.is_broken());
        }
        EXPECT_EQ(barrier.waiting(), 0U);
        expect_whole(barrier);
      });
  EXPECT_GE(points, 4);
}

TEST(BarrierFaults, WhoeverDiesWhileItMendsWhatADeadOneLeftIsMendedAfter) {
  const int points = die_at_every_fault_point<Barrier>(
      [](Barrier& barrier) {
        barrier.set_parties(3);
        // One that died in the midst of an abort, before another had seen any of it.
        const Barrier::Arrival waits = testing::arrive(barrier);
        EXPECT_EQ(waits.role, Role::waits);
        const pid_t child = testing::start_doomed_child(4, [&] { testing::abort(barrier); });
        EXPECT_EQ(testing::fate_of(child), Fate::died);
        barrier.abandon(this_thread_number(), waits.place);
      },
      [](Barrier& barrier) { EXPECT_EQ(testing::arrive(barrier).role, Role::broken); },
      [](Barrier& barrier, Fate) {
        EXPECT_EQ(testing::arrive(barrier).role, Role::broken);
        expect_whole(barrier);
      });
  EXPECT_GE(points, 4);
}

// The first fault point of each stands where the mutex is held.
TEST(BarrierFaults, OneThatIsStoppedInTheMidstKeepsNobodyFromGivingUp) {
  testing::Shared<Barrier> barrier;
  barrier->set_parties(3);
  const ThreadNumber me = this_thread_number();
  const Barrier::Arrival mine = testing::arrive(*barrier);
  const pid_t child =
      testing::start_stopping_child(0, [&] { EXPECT_EQ(pass(*barrier).outcome, Outcome::broken); });
  EXPECT_EQ(barrier->arrive(me, Deadline::after(1'000'000)).role, Role::timed_out);
  EXPECT_EQ(barrier->abort(me, Deadline::after(1'000'000)), WaitResult::timed_out);
  EXPECT_EQ(barrier->reset(me, Deadline::expired()), WaitResult::timed_out);
  EXPECT_EQ(barrier->waiting(), 1U);
  EXPECT_EQ(testing::wait(*barrier, mine, Deadline::after(30'000'000)), WaitResult::timed_out);
  EXPECT_EQ(testing::leave(*barrier, mine, Barrier::Leaving::give_up), Outcome::open);
  EXPECT_TRUE(barrier->is_broken());
  kill(child, SIGCONT);
  EXPECT_EQ(testing::fate_of(child), Fate::survived);
  expect_whole(*barrier);
}

TEST(BarrierFaults, WhoCannotFinishAbandonsTheRound) {
  testing::Shared<Barrier> barrier;
  barrier->set_parties(2);
  const ThreadNumber me = this_thread_number();
  const Barrier::Arrival first = testing::arrive(*barrier);
  const Barrier::Arrival last = testing::arrive(*barrier);
  ASSERT_EQ(last.role, Role::last);
  const pid_t child = testing::start_stopping_child(
      0, [&] { EXPECT_EQ(testing::arrive(*barrier).role, Role::broken); });
  EXPECT_EQ(barrier->finish(me, last.place, Outcome::tripped, Deadline::after(1'000'000)),
            Outcome::timed_out);
  EXPECT_EQ(testing::leave(*barrier, first, Barrier::Leaving::give_up), Outcome::complete);
  barrier->abandon(me, last.place);
  kill(child, SIGCONT);
  EXPECT_EQ(testing::fate_of(child), Fate::survived);
  EXPECT_EQ(testing::wait(*barrier, first), WaitResult::acquired);
  EXPECT_EQ(testing::leave(*barrier, first), Outcome::broken);
  expect_whole(*barrier);
}

}  // namespace
}  // namespace nativeconc::shared
