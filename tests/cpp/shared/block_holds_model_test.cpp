// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of the model, and each turned round order: block_holds_model.hpp.
//
// Where the order of steps matters, the same search with the order turned round must find a fault.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

#include "block_holds_model.hpp"

namespace nativeconc::shared {
namespace {

class Search {
 public:
  explicit Search(Setup setup) : setup_(setup), owner_(setup) {
    World start;
    for (std::size_t i = 0; i < kMaxOthers; ++i) {
      start.others.at(i).rounds = setup.rounds;
      if (i >= setup.n_others) start.others.at(i).at = At::gone;
    }
    push(start);
  }

  void run() {
    while (!todo_.empty() && !is_unsafe_ && !is_stuck_ && !is_refused_) {
      const World world = todo_.back();
      todo_.pop_back();
      for (std::size_t i = 0; i < setup_.n_others; ++i) {
        step(world, i);
        die(world, i);
      }
      if (!is_forking(world, kMaxOthers)) step_owner(world);
      check_end(world);
    }
  }

  std::size_t states() const { return seen_.size(); }
  bool is_unsafe() const { return is_unsafe_; }
  bool is_stuck() const { return is_stuck_; }
  bool is_refused() const { return is_refused_; }

 private:
  void push(const World& world) {
    if (seen_.insert({reinterpret_cast<const char*>(&world), sizeof world}).second) {
      todo_.push_back(world);
      for (const Other& other : world.others) {
        const bool counts_on_it =
            other.at == At::holding || (other.is_forked && other.from == kNone);
        is_unsafe_ |= counts_on_it && other.meant != world.given;
      }
    }
  }

  // Whether this process is in the middle of a fork; then it does nothing else.
  static bool is_forking(const World& world, std::size_t parent) {
    for (const Other& other : world.others) {
      if (other.is_forked && other.from == parent) return true;
    }
    return false;
  }

  void begin_to_hold(World next, std::size_t i) {
    Other& me = next.others.at(i);
    me.at = At::holding;
    me.is_forked = me.is_early = false;
    me.from = kNone;
    push(next);
  }

  void step(const World& world, std::size_t i) {
    if (is_forking(world, i)) return;
    World next = world;
    Other& me = next.others.at(i);
    switch (me.at) {
      case At::away:
      case At::gone:
        return;
      case At::claiming:
        step_claim(world, i);
        return;
      case At::locking:
        if (world.locks.at(me.slot) != kNone && setup_.fault != Fault::takes_slot_without_lock) {
          go_to_next_slot(&me);
        } else {
          next.locks.at(me.slot) = static_cast<std::uint8_t>(i);
          me.at = At::wiping;
        }
        break;
      case At::wiping:
        clear(&next.bits, me.slot);
        me.at = setup_.fault == Fault::claims_slot_after_setting_bit ? At::setting : At::marking;
        me.has_slot = true;
        break;
      case At::marking:
        set(&next.claims, me.slot);
        me.at = At::setting;
        if (setup_.fault == Fault::claims_slot_after_setting_bit) return begin_to_hold(next, i);
        break;
      case At::forbidding:
        if (setup_.fault == Fault::reads_generation_before_forbidding_reuse && !me.is_early) {
          me.is_early = true;
          me.at = world.generation == me.handle || me.is_forked ? At::forbidding : At::undoing;
          break;
        }
        next.no_reuse = true;
        me.at = At::moving;
        break;
      case At::setting:
        step_set(world, i);
        return;
      case At::moving:
        ++next.moves;
        if (me.is_forked || me.is_early) return begin_to_hold(next, i);
        me.at = At::reading;
        break;
      case At::reading:
        if (world.generation == me.handle ||
            setup_.fault == Fault::holds_despite_other_generation) {
          if (setup_.fault != Fault::claims_slot_after_setting_bit || !me.has_slot) {
            return begin_to_hold(next, i);
          }
          me.at = At::marking;
        } else {
          me.at = At::undoing;
        }
        break;
      case At::undoing:
        if (me.has_slot) clear(&next.bits, me.slot);
        me.at = me.has_slot ? At::leaving : At::away;
        me.is_early = false;
        me.from = kNone;
        me.handle = me.meant = 0;
        is_refused_ |= setup_.senders_wait;
        break;
      case At::holding:
        step_holder(world, i);
        return;
      case At::leaving:
        clear(&next.claims, me.slot);
        me.at = At::unlocking;
        break;
      case At::unlocking:
        next.locks.at(me.slot) = kNone;
        me.has_slot = false;
        me.at = At::away;
        break;
    }
    push(next);
  }

  void go_to_next_slot(Other* me) const {
    me->at = At::claiming;
    if (++me->slot < setup_.n_slots) return;
    me->slot = 0;
    if (me->second_pass) me->at = At::forbidding;
    me->second_pass = !me->second_pass;
  }

  void step_claim(const World& world, std::size_t i) {
    World next = world;
    Other& me = next.others.at(i);
    if (((world.claims & bit(me.slot)) != 0) == me.second_pass) {
      me.at = At::locking;
    } else {
      go_to_next_slot(&me);
    }
    push(next);
  }

  void step_set(const World& world, std::size_t i) {
    World next = world;
    Other& me = next.others.at(i);
    if (setup_.fault == Fault::reads_generation_before_setting_bit && !me.is_forked &&
        !me.is_early) {
      me.is_early = true;
      if (world.generation != me.handle) me.at = At::undoing;
      push(next);
      return;
    }
    if (setup_.fault == Fault::forks_before_setting_bit && me.is_forked && me.from != kNone) {
      me.from = kNone;  // the parent goes on, the child counts on what it holds
      push(next);
      return;
    }
    set(&next.bits, me.slot);
    me.at = At::moving;
    push(next);
  }

  // Gives a handle, or what it holds, to another process.
  void pass_on(const World& world, std::size_t from) {
    for (std::size_t j = 0; j < setup_.n_others; ++j) {
      if (world.others.at(j).at != At::away || world.others.at(j).rounds == 0) continue;
      for (const bool is_forked : {false, true}) {
        World next = world;
        Other& other = next.others.at(j);
        if (is_forked && other.has_slot) continue;  // it runs already
        other.at = other.has_slot ? At::setting : At::claiming;
        other.slot = other.has_slot ? other.slot : std::uint8_t{0};
        other.second_pass = false;
        --other.rounds;
        other.is_forked = is_forked;
        other.from = static_cast<std::uint8_t>(from);
        const bool is_now = from == kMaxOthers || setup_.fault == Fault::sends_generation_of_now;
        other.handle = is_now ? world.generation : world.others.at(from).handle;
        other.meant = from == kMaxOthers ? world.given : world.others.at(from).meant;
        push(next);
      }
    }
  }

  void step_holder(const World& world, std::size_t i) {
    pass_on(world, i);
    if (must_wait(setup_, world, i)) return;
    World next = world;
    Other& me = next.others.at(i);
    if (me.has_slot) clear(&next.bits, me.slot);
    me.from = kNone;
    me.handle = me.meant = 0;
    me.at = At::away;  // it may keep its slot, for other blocks
    push(next);
    if (me.has_slot) me.at = At::leaving;
    push(next);
  }

  // The kernel unlocks what a dead process had locked; nothing else changes.
  void die(const World& world, std::size_t i) {
    const Other& other = world.others.at(i);
    if (other.at == At::gone || (other.at == At::away && !other.has_slot)) return;
    if (other.is_forked && other.from != kNone) return;  // not yet born
    if (must_wait(setup_, world, i)) return;
    World next = world;
    kill(&next, i);
    push(next);
  }

  void kill(World* world, std::size_t i) const {
    world->others.at(i) = {};
    world->others.at(i).at = At::gone;
    for (std::uint8_t& lock : world->locks) {
      if (lock == i) lock = kNone;
    }
    for (std::size_t j = 0; j < setup_.n_others; ++j) {
      const Other& child = world->others.at(j);
      if (child.is_forked && child.from == i) kill(world, j);
    }
  }

  void step_owner(const World& world) {
    World next = world;
    if (owner_.advance(&next)) push(next);
    if (world.owner == Owner::holding) pass_on(world, kMaxOthers);
  }

  // When nobody else is there, the owner alone gets the block, unless no_reuse says never.
  void check_end(const World& world) {
    if (world.no_reuse || world.given == setup_.most_given) return;
    for (const Other& other : world.others) {
      if (other.at != At::away && other.at != At::gone) return;
    }
    World next = world;
    for (int steps = 0; steps < 200; ++steps) {
      if (next.given > world.given) return;
      owner_.advance(&next);
    }
    is_stuck_ = true;
  }

  Setup setup_;
  OwnerModel owner_;
  std::vector<World> todo_;
  std::unordered_set<std::string> seen_;
  bool is_unsafe_ = false;
  bool is_stuck_ = false;
  bool is_refused_ = false;
};

Search searched(const Setup& setup) {
  Search search(setup);
  search.run();
  return search;
}

void expect_sound(const Setup& setup) {
  const Search search = searched(setup);
  EXPECT_FALSE(search.is_unsafe()) << "a block was given out that somebody held";
  EXPECT_FALSE(search.is_stuck()) << "a block that nobody holds is lost";
  EXPECT_FALSE(search.is_refused()) << "a handle was refused though its sender held the block";
  EXPECT_GT(search.states(), 1000u);
}

TEST(BlockHoldsModel, NeverGivesOutWhatAnotherHolds) { expect_sound({1, 1, 3, 4}); }

TEST(BlockHoldsModel, NeverGivesOutWhatOneOfTwoHolds) { expect_sound({2, 2, 2, 3}); }

TEST(BlockHoldsModel, WithTooFewSlotsNothingIsGivenOutAgain) { expect_sound({2, 1, 2, 3}); }

TEST(BlockHoldsModel, WithThreeOthersAndOneSlot) { expect_sound({3, 1, 1, 2}); }

TEST(BlockHoldsModel, AHandleArrivesWhereSendersWait) {
  expect_sound({2, 2, 2, 3, Fault::none, true});
  expect_sound({3, 3, 1, 2, Fault::none, true});
}

TEST(BlockHoldsModel, EachTurnedRoundOrderIsFoundOut) {
  for (const Fault fault :
       {Fault::reads_generation_before_setting_bit, Fault::looks_before_adding_to_generation,
        Fault::claims_slot_after_setting_bit, Fault::forgets_without_lock,
        Fault::takes_slot_without_lock, Fault::holds_despite_other_generation,
        Fault::sends_generation_of_now, Fault::forks_before_setting_bit}) {
    EXPECT_TRUE(searched({2, 2, 2, 3, fault}).is_unsafe()) << static_cast<int>(fault);
  }
  EXPECT_TRUE(searched({2, 1, 2, 3, Fault::reads_generation_before_forbidding_reuse}).is_unsafe());
  EXPECT_TRUE(searched({3, 3, 1, 2, Fault::looks_once, true}).is_refused());
}

}  // namespace
}  // namespace nativeconc::shared
