// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of a few readers and writers, run through the very functions that RWLock uses.
//
// A thread here is a small program: enter, leave, so many times. Its steps are those that are
// atomic in the real one: look at the word and swap it; wake somebody; compare half of the word and
// fall asleep; take or give back the writers' turn, whose own waits permits_model_test.cpp covers.
// Threads that have a deadline may give up whenever they sleep. The search visits every reachable
// state once, and asks of each: do the invariants hold, and can somebody still move?
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

#include "nativeconc/sync/rwlock_state.hpp"

namespace nativeconc::sync {
namespace {

constexpr std::size_t kMaxThreads = 5;
constexpr std::uint8_t kNobody = 0xff;

enum class At : std::uint8_t {
  outside,
  coming,          // writer: wants the turn
  looking,         // reader: registered; writer: has the turn
  falling_asleep,  // on `expected`
  asleep,
  inside,
  downgraded,   // a writer that goes on as a reader
  giving_up,    // a writer that has announced itself and waits no more
  giving_turn,  // a writer that has left the word
  done,
};
enum class Owed : std::uint8_t { nothing, wake_readers, wake_writer };

struct Thread {
  At at = At::outside;
  Owed owed = Owed::nothing;  // a futex_wake that it makes next, before anything else
  bool writes = false;
  bool must_leave = false;
  std::uint8_t rounds_left = 0;
  std::uint8_t timeouts_left = 0;
  bool downgrades = false;
  bool stays = false;          // on its way from a write to a read
  std::uint32_t expected = 0;  // the half of the word that it falls asleep on
  std::uint32_t epoch = 0;     // in which a reader has registered
};

struct World {
  RWState state;
  std::uint8_t turn = kNobody;
  std::array<Thread, kMaxThreads> threads;
};

struct Setup {
  std::size_t readers;
  std::size_t writers;
  std::uint8_t rounds;
  std::uint8_t timeouts;
  bool downgrades;
};

class Search {
 public:
  explicit Search(Setup setup) : n_threads_(setup.readers + setup.writers) {
    World start;
    for (std::size_t i = 0; i < kMaxThreads; ++i) {
      Thread& thread = start.threads[i];
      thread.writes = i >= setup.readers;
      thread.downgrades = thread.writes && setup.downgrades;
      if (i < n_threads_) {
        thread.rounds_left = setup.rounds;
        thread.timeouts_left = setup.timeouts;
      } else {
        thread.at = At::done;
      }
    }
    push(start);
  }

  void run() {
    while (!todo_.empty() && !::testing::Test::HasFailure()) {
      const World world = todo_.back();
      todo_.pop_back();
      check(world);
      bool can_move = false;
      for (std::size_t i = 0; i < n_threads_; ++i) can_move |= step(world, i);
      if (!can_move) check_end(world);
    }
  }

  std::size_t states() const { return seen_.size(); }

 private:
  void push(const World& world) {
    // Rebuilt field by field over zeroed bytes, so that padding cannot tell equal worlds apart.
    World clean;
    std::memset(static_cast<void*>(&clean), 0, sizeof clean);
    clean.state.word = world.state.word;
    clean.turn = world.turn;
    for (std::size_t i = 0; i < kMaxThreads; ++i) {
      const Thread& from = world.threads[i];
      Thread& to = clean.threads[i];
      to.at = from.at;
      to.owed = from.owed;
      to.writes = from.writes;
      to.must_leave = from.must_leave;
      to.rounds_left = from.rounds_left;
      to.timeouts_left = from.timeouts_left;
      to.downgrades = from.downgrades;
      to.stays = from.stays;
      to.expected = from.expected;
      to.epoch = from.epoch;
    }
    if (seen_.emplace(reinterpret_cast<const char*>(&clean), sizeof clean).second) {
      todo_.push_back(clean);
    }
  }

  static bool is_registered(const Thread& thread) {
    return !thread.writes &&
           (thread.at == At::looking || thread.at == At::falling_asleep || thread.at == At::asleep);
  }
  static bool has_been_let_in(const World& world, const Thread& thread) {
    return is_registered(thread) && thread.epoch != world.state.epoch();
  }

  void check(const World& world) const {
    const RWState state = world.state;
    std::uint64_t readers = 0;
    std::uint64_t waiting = 0;
    std::uint64_t writers = 0;
    for (std::size_t i = 0; i < n_threads_; ++i) {
      const Thread& thread = world.threads[i];
      const bool reads = !thread.writes && thread.at == At::inside;
      const bool left_to_read =
          thread.at == At::downgraded || (thread.at == At::giving_turn && thread.stays);
      if (reads || left_to_read || has_been_let_in(world, thread)) ++readers;
      if (is_registered(thread) && !has_been_let_in(world, thread)) ++waiting;
      if (thread.writes && thread.at == At::inside) {
        ++writers;
        EXPECT_EQ(world.turn, i);
      }
    }
    EXPECT_LE(writers, 1U);
    EXPECT_TRUE(writers == 0 || readers == 0) << "somebody reads beside a writer";
    EXPECT_EQ(state.active(), readers);
    EXPECT_EQ(state.waiting(), waiting);
    EXPECT_EQ(state.is_writing(), writers == 1);
    EXPECT_TRUE(!state.is_writing() || (state.active() == 0 && !state.is_pending()))
        << "invariant I";
    EXPECT_TRUE(state.waiting() == 0 || state.is_writing() || state.is_pending()) << "invariant II";
    EXPECT_TRUE(!state.is_pending() || world.turn != kNobody) << "pending without a writer";
  }

  void check_end(const World& world) const {
    for (std::size_t i = 0; i < n_threads_; ++i) {
      EXPECT_EQ(world.threads[i].at, At::done)
          << "a lost wake-up: nobody can move, the word is " << std::hex << world.state.word;
    }
    EXPECT_EQ(world.turn, kNobody);
    EXPECT_TRUE(world.state.is_open_to_readers() && world.state.active() == 0 &&
                world.state.waiting() == 0)
        << "something was left behind";
  }

  static void finish_round(Thread& thread) {
    thread.expected = thread.epoch = 0;
    thread.must_leave = false;
    thread.stays = false;
    --thread.rounds_left;
    thread.at = thread.rounds_left == 0 ? At::done : At::outside;
  }

  // Pushes what thread i may do next; false if it can do nothing.
  bool step(const World& world, std::size_t i) {
    const Thread& before = world.threads[i];
    if (before.owed != Owed::nothing) return step_wake(world, i);
    switch (before.at) {
      case At::done:
        return false;
      case At::falling_asleep: {
        World next = world;
        const std::uint32_t now = before.writes ? world.state.low() : world.state.high();
        next.threads[i].at = now == before.expected ? At::asleep : At::looking;
        push(next);
        return true;
      }
      case At::asleep: {
        if (before.timeouts_left == 0) return false;
        World next = world;
        --next.threads[i].timeouts_left;
        next.threads[i].must_leave = true;
        next.threads[i].at = At::looking;
        push(next);
        return true;
      }
      default:
        return before.writes ? step_writer(world, i) : step_reader(world, i);
    }
  }

  bool step_reader(const World& world, std::size_t i) {
    World next = world;
    Thread& me = next.threads[i];
    if (me.at == At::outside) {
      if (world.state.is_open_to_readers()) {
        EXPECT_FALSE(world.state.is_pending()) << "a newcomer goes before a writer that waits";
        next.state = reader_enters(world.state);
        me.at = At::inside;
      } else {
        next.state = reader_registers(world.state);
        me.epoch = static_cast<std::uint32_t>(next.state.epoch());
        me.expected = next.state.high();
        me.at = At::falling_asleep;
      }
    } else if (me.at == At::looking) {
      if (has_been_let_in(world, world.threads[i])) {
        me.at = At::inside;
        me.expected = me.epoch = 0;
        me.must_leave = false;
      } else if (me.must_leave) {
        next.state = reader_gives_up(world.state);
        finish_round(me);
      } else {
        me.expected = world.state.high();
        me.at = At::falling_asleep;
      }
    } else {
      leave_read(next, me);
    }
    push(next);
    return true;
  }

  static void leave_read(World& next, Thread& me) {
    next.state = reader_leaves(next.state);
    finish_round(me);
    if (next.state.is_pending() && next.state.active() == 0) me.owed = Owed::wake_writer;
  }

  bool step_writer(const World& world, std::size_t i) {
    World next = world;
    Thread& me = next.threads[i];
    switch (me.at) {
      case At::outside:
        me.at = At::coming;
        break;
      case At::coming:
        if (world.turn != kNobody) return false;
        next.turn = static_cast<std::uint8_t>(i);
        me.at = At::looking;
        break;
      case At::looking:
        next.state = writer_comes(world.state);
        if (next.state.is_writing()) {
          me.at = At::inside;
          me.must_leave = false;
          me.expected = 0;
        } else if (me.must_leave) {
          me.at = At::giving_up;
        } else {
          me.expected = next.state.low();
          me.at = At::falling_asleep;
        }
        break;
      case At::inside:
        me.stays = me.downgrades;
        leave_write(next, me, me.stays);
        break;
      case At::giving_up:  // those that waited for it are let in
        leave_write(next, me, false);
        break;
      case At::giving_turn:
        next.turn = kNobody;
        if (me.stays) {
          me.at = At::downgraded;
        } else {
          finish_round(me);
        }
        break;
      default:
        leave_read(next, me);
    }
    push(next);
    return true;
  }

  static void leave_write(World& next, Thread& me, bool stays) {
    if (next.state.waiting() > 0) me.owed = Owed::wake_readers;
    next.state = writer_goes(next.state, stays);
    me.at = At::giving_turn;
    me.expected = 0;
    me.must_leave = false;
  }

  bool step_wake(const World& world, std::size_t i) {
    World next = world;
    const bool readers = world.threads[i].owed == Owed::wake_readers;
    next.threads[i].owed = Owed::nothing;
    for (std::size_t j = 0; j < n_threads_; ++j) {
      Thread& sleeper = next.threads[j];
      if (sleeper.at == At::asleep && sleeper.writes != readers) sleeper.at = At::looking;
    }
    push(next);
    return true;
  }

  std::size_t n_threads_;
  std::vector<World> todo_;
  std::unordered_set<std::string> seen_;
};

class RWLockModel : public ::testing::TestWithParam<Setup> {};

TEST_P(RWLockModel, NoScheduleLosesAWakeUpOrLetsAReaderInBesideAWriter) {
  Search search(GetParam());
  search.run();
  EXPECT_GT(search.states(), 50U);
  RecordProperty("states", static_cast<int>(search.states()));
}

// {readers, writers, rounds, timeouts each, writers downgrade}
INSTANTIATE_TEST_SUITE_P(EverySchedule, RWLockModel,
                         ::testing::Values(Setup{1, 1, 4, 3, false}, Setup{2, 1, 2, 1, false},
                                           Setup{2, 1, 2, 1, true}, Setup{1, 2, 2, 1, false},
                                           Setup{1, 2, 2, 1, true}, Setup{2, 2, 2, 0, false},
                                           Setup{2, 2, 1, 1, true}, Setup{3, 1, 2, 0, false},
                                           Setup{3, 2, 1, 0, false}, Setup{3, 1, 1, 2, true}));

}  // namespace
}  // namespace nativeconc::sync
