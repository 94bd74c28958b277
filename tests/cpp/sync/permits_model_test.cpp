// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of a few threads, run through the very functions that Permits uses.
//
// A thread here is a small program: take a permit, give it back, so many times. Its steps are those
// that are atomic in the real one: look at the word and swap it; wake somebody; compare the word
// and fall asleep. Time is left to chance: a waiter may become the heir whenever it looks, and
// those that have a deadline may time out whenever they sleep. The search visits every reachable
// state once, and asks of each: do the invariants hold, and can somebody still move?
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

#include "nativeconc/sync/permit_state.hpp"

namespace nativeconc::sync {
namespace {

constexpr std::size_t kMaxThreads = 4;

enum class At : std::uint8_t { trying, looking, falling_asleep, asleep, holding, done };
enum class Owed : std::uint8_t { nothing, wake_anyone, wake_the_heir };

struct Thread {
  At at = At::trying;
  Owed owed = Owed::nothing;  // a futex_wake that it makes next, before anything else
  bool registered = false;
  bool is_heir = false;
  bool must_leave = false;
  std::uint8_t rounds_left = 0;
  std::uint8_t timeouts_left = 0;
  std::uint32_t expected = 0;  // the futex word it falls asleep on
};

template <Stock kStock>
struct World {
  QueueState<kStock> state;
  std::array<Thread, kMaxThreads> threads;
};

struct Setup {
  std::size_t n_threads;
  std::uint32_t permits;
  std::uint8_t rounds;
  std::uint8_t timeouts;
};

template <Stock kStock>
class Search {
  using State = QueueState<kStock>;
  using World = sync::World<kStock>;
  using Transition = sync::Transition<kStock>;

 public:
  explicit Search(Setup setup) : setup_(setup) {
    World start{full(setup), {}};
    for (std::size_t i = 0; i < setup.n_threads; ++i) {
      start.threads[i].rounds_left = setup.rounds;
      start.threads[i].timeouts_left = setup.timeouts;
    }
    push(start);
  }

  void run() {
    while (!todo_.empty() && !::testing::Test::HasFailure()) {
      const World world = todo_.back();
      todo_.pop_back();
      check(world);
      bool can_move = false;
      for (std::size_t i = 0; i < setup_.n_threads; ++i) can_move |= step(world, i);
      if (!can_move) check_end(world);
    }
  }

  std::size_t states() const { return seen_.size(); }

 private:
  // All permits there; the only permit of an owned stock is there when nobody owns it.
  static State full(const Setup& setup) {
    return State::with_stock(kStock == Stock::counted ? setup.permits : 0);
  }

  static std::uint32_t id_of(std::size_t i) { return static_cast<std::uint32_t>(i) + 1; }

  static std::string key(const World& world) {
    return {reinterpret_cast<const char*>(&world), sizeof world};
  }

  void push(const World& world) {
    // Rebuilt field by field over zeroed bytes, so that padding cannot tell equal worlds apart.
    World clean;
    std::memset(static_cast<void*>(&clean), 0, sizeof clean);
    clean.state.word = world.state.word;
    for (std::size_t i = 0; i < kMaxThreads; ++i) {
      const Thread& from = world.threads[i];
      Thread& to = clean.threads[i];
      to.at = from.at;
      to.owed = from.owed;
      to.registered = from.registered;
      to.is_heir = from.is_heir;
      to.must_leave = from.must_leave;
      to.rounds_left = from.rounds_left;
      to.timeouts_left = from.timeouts_left;
      to.expected = from.expected;
    }
    if (seen_.insert(key(clean)).second) todo_.push_back(clean);
  }

  void check(const World& world) const {
    std::uint32_t holders = 0;
    std::uint32_t registered = 0;
    std::uint32_t heirs = 0;
    for (const Thread& thread : world.threads) {
      holders += thread.at == At::holding ? 1 : 0;
      registered += thread.registered ? 1 : 0;
      heirs += thread.is_heir ? 1 : 0;
    }
    const State state = world.state;
    const auto waiters = (state.word & State::kWaiters) / State::kOneWaiter;
    EXPECT_EQ(state.permits() + holders, setup_.permits) << "permits are neither made nor lost";
    for (std::size_t i = 0; kStock == Stock::owned && i < setup_.n_threads; ++i) {
      EXPECT_EQ(world.threads[i].at == At::holding, state.stock() == id_of(i)) << "its owner";
    }
    EXPECT_EQ(waiters, registered);
    EXPECT_EQ(state.has_heir() ? 1u : 0u, heirs);
    EXPECT_TRUE(state.is_woken() || state.permits() == 0 || waiters == 0) << "invariant I";
    EXPECT_TRUE(waiters > 0 || state.queue() == 0) << "invariant IV";
  }

  void check_end(const World& world) const {
    for (const Thread& thread : world.threads) {
      EXPECT_TRUE(thread.rounds_left == 0 && thread.at != At::asleep)
          << "a lost wake-up: nobody can move, the word is " << std::hex << world.state.word;
    }
    EXPECT_EQ(world.state, full(setup_)) << "something was left behind";
  }

  void owe(Thread& thread, const Transition& transition) const {
    if (!transition.must_wake) return;
    thread.owed = transition.next.has_heir() ? Owed::wake_the_heir : Owed::wake_anyone;
  }

  void finish_round(Thread& thread) const {
    --thread.rounds_left;
    thread.at = thread.rounds_left == 0 ? At::done : At::trying;
  }

  // Pushes what thread i may do next; false if it can do nothing.
  bool step(const World& world, std::size_t i) {
    const Thread& before = world.threads[i];
    if (before.owed != Owed::nothing) return step_wake(world, i);
    World next = world;
    Thread& me = next.threads[i];
    switch (before.at) {
      case At::done:
        return false;
      case At::trying:
        if (world.state.has_free()) {
          next.state = world.state.taken_by(id_of(i));
          me.at = At::holding;
        } else {
          me.at = At::looking;
        }
        push(next);
        return true;
      case At::looking:
        step_look(world, i, false);
        if (!before.is_heir) step_look(world, i, true);
        return true;
      case At::falling_asleep:
        me.at = world.state.queue() == before.expected ? At::asleep : At::looking;
        push(next);
        return true;
      case At::asleep:
        if (before.timeouts_left == 0) return false;
        --me.timeouts_left;
        me.must_leave = true;
        me.at = At::looking;
        push(next);
        return true;
      case At::holding: {
        const Transition transition =
            give(world.state, kStock == Stock::counted ? world.state.stock() + 1 : 0);
        next.state = transition.next;
        finish_round(me);
        owe(me, transition);
        push(next);
        return true;
      }
    }
    return false;
  }

  void step_look(const World& world, std::size_t i, bool may_inherit) {
    World next = world;
    Thread& me = next.threads[i];
    const Onlooker who{id_of(i), me.registered, me.is_heir, me.must_leave, may_inherit};
    const Transition transition = look(world.state, who, 0);
    next.state = transition.next;
    owe(me, transition);
    if (transition.decision == Decision::sleep) {
      me.registered = true;
      me.is_heir = me.is_heir || (transition.next.has_heir() && !world.state.has_heir());
      me.expected = transition.next.queue();
      me.at = At::falling_asleep;
    } else {
      me.registered = me.is_heir = me.must_leave = false;
      me.expected = 0;
      if (transition.decision == Decision::take) {
        me.at = At::holding;
      } else {
        finish_round(me);
      }
    }
    push(next);
  }

  // The kernel wakes one of those asleep on the channel; which one is left open.
  bool step_wake(const World& world, std::size_t i) {
    const bool heir_only = world.threads[i].owed == Owed::wake_the_heir;
    bool found = false;
    for (std::size_t j = 0; j < setup_.n_threads; ++j) {
      const Thread& sleeper = world.threads[j];
      if (sleeper.at != At::asleep || (heir_only && !sleeper.is_heir)) continue;
      found = true;
      World next = world;
      next.threads[i].owed = Owed::nothing;
      next.threads[j].at = At::looking;
      push(next);
    }
    if (!found) {
      World next = world;
      next.threads[i].owed = Owed::nothing;
      push(next);
    }
    return true;
  }

  Setup setup_;
  std::vector<World> todo_;
  std::unordered_set<std::string> seen_;
};

template <Stock kStock>
void explore(const Setup& setup) {
  Search<kStock> search(setup);
  search.run();
  EXPECT_GT(search.states(), 50U);
}

class PermitsModel : public ::testing::TestWithParam<Setup> {};

TEST_P(PermitsModel, NoScheduleLosesAWakeUp) { explore<Stock::counted>(GetParam()); }

class LockModel : public ::testing::TestWithParam<Setup> {};

TEST_P(LockModel, NoScheduleLosesAWakeUpOrTheOwner) { explore<Stock::owned>(GetParam()); }

// {threads, permits, rounds, timeouts each}
INSTANTIATE_TEST_SUITE_P(EverySchedule, PermitsModel,
                         ::testing::Values(Setup{2, 1, 3, 3}, Setup{3, 1, 3, 0}, Setup{3, 1, 2, 1},
                                           Setup{3, 2, 2, 1}, Setup{4, 1, 1, 1},
                                           Setup{4, 2, 1, 1}));
INSTANTIATE_TEST_SUITE_P(EverySchedule, LockModel,
                         ::testing::Values(Setup{2, 1, 3, 3}, Setup{3, 1, 3, 0}, Setup{3, 1, 2, 1},
                                           Setup{4, 1, 1, 1}));

}  // namespace
}  // namespace nativeconc::sync
