// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of the protocol of block_holds.hpp, with one block and few processes.
//
// The owner gives the block out, sends handles of it, gives it back, and gives it out again. The
// others get a slot, hold the block, send its handle on, release it, leave; they may die after any
// step, and a forked child may begin with what its parent holds. Each step is what one atomic
// operation or one system call does. The search visits every reachable state once, and asks of
// each: does every process that counts on the block have the one that its handle meant? If all
// others have left or died, does the owner get the block back? And where every sender holds the
// block until its handles have arrived: does each of them get what the handle means?
//
// Here: the state, and what the owner does. block_holds_model_test.cpp has the others and the
// search.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace nativeconc::shared {

constexpr std::size_t kMaxOthers = 3;
constexpr std::size_t kMaxSlots = 3;
constexpr std::uint8_t kNone = 0xff;

enum class Fault : std::uint8_t {
  none,
  reads_generation_before_setting_bit,
  reads_generation_before_forbidding_reuse,
  looks_before_adding_to_generation,
  claims_slot_after_setting_bit,
  forgets_without_lock,
  takes_slot_without_lock,
  holds_despite_other_generation,
  sends_generation_of_now,
  looks_once,
  forks_before_setting_bit,
};

// What a process other than the owner does next.
enum class At : std::uint8_t {
  away,      // has no handle; may get one, or (without a slot) be forked by whoever holds the block
  claiming,  // looks at slot `slot`: is it free (first pass), or its process dead (second)?
  locking,
  wiping,
  marking,  // sets the claim
  forbidding,
  setting,
  moving,  // counts that it has set something
  reading,
  undoing,
  holding,
  leaving,  // bit is clear: gives the slot back
  unlocking,
  gone,  // ended or died
};

struct Other {
  At at = At::away;
  std::uint8_t slot = 0;
  bool has_slot = false;
  bool second_pass = false;
  bool is_forked = false;     // what it holds comes from its parent, who waits until it is there
  std::uint8_t from = kNone;  // who sent the handle, or forked it; kMaxOthers: the owner
  std::uint8_t handle = 0;    // generation in the handle
  std::uint8_t meant = 0;     // what the handle means: the block as it was given out so many times
  bool is_early = false;      // a turned round order: the generation was read already
  std::uint8_t rounds = 0;    // how often it may still receive
};

enum class Owner : std::uint8_t {
  holding,
  releasing,  // looks: free, or lent?
  idle,       // the block is free
  adding,
  taking,     // looks: may it be given out?
  restoring,  // it may not: the generation is that of its holders again
  lent,
  forgetting,
  wiping,
  clearing,
  unlocking,
  rechecking,
};

// What an owner that looks reads next.
enum class Look : std::uint8_t { moves, no_reuse, claims, bits, moves_again };

struct World {
  std::uint8_t generation = 1;
  std::uint8_t bits = 0;
  std::uint8_t claims = 0;
  std::array<std::uint8_t, kMaxSlots> locks{kNone, kNone,
                                            kNone};  // who has it; kMaxOthers: the owner
  bool no_reuse = false;
  std::uint8_t moves = 0;

  Owner owner = Owner::holding;
  std::uint8_t snapshot = 0;  // claims still to be looked at
  Look look = Look::moves;
  std::uint8_t moves_before = 0;
  std::uint8_t given = 1;  // how often the block was given out
  std::array<Other, kMaxOthers> others;
};
static_assert(std::has_unique_object_representations_v<World>);

struct Setup {
  std::size_t n_others;
  std::uint8_t n_slots;
  std::uint8_t rounds;
  std::uint8_t most_given;
  Fault fault = Fault::none;
  bool senders_wait = false;  // until their handles have arrived
};

inline std::uint8_t bit(std::uint8_t slot) { return static_cast<std::uint8_t>(1U << slot); }
inline void clear(std::uint8_t* word, std::uint8_t slot) {
  *word = static_cast<std::uint8_t>(*word & ~bit(slot));
}
inline void set(std::uint8_t* word, std::uint8_t slot) {
  *word = static_cast<std::uint8_t>(*word | bit(slot));
}

inline std::uint8_t lowest(std::uint8_t word) {
  std::uint8_t slot = 0;
  while ((word & bit(slot)) == 0) ++slot;
  return slot;
}

inline bool must_wait(const Setup& setup, const World& world, std::size_t sender) {
  if (!setup.senders_wait) return false;
  for (const Other& other : world.others) {
    if (other.from == sender) return true;
  }
  return false;
}

// The owner's steps.
class OwnerModel {
 public:
  explicit OwnerModel(Setup setup) : setup_(setup) {}

  // False if the owner has nothing left to do.
  bool advance(World* world) const {
    bool is_held = false;
    const bool early = setup_.fault == Fault::looks_before_adding_to_generation;
    switch (world->owner) {
      case Owner::holding:
        if (world->given == setup_.most_given || must_wait(setup_, *world, kMaxOthers))
          return false;
        world->owner = Owner::releasing;
        return true;
      case Owner::releasing:
        if (look(world, &is_held)) world->owner = is_held ? Owner::lent : Owner::idle;
        return true;
      case Owner::idle:
        world->owner = early ? Owner::taking : Owner::adding;
        return true;
      case Owner::adding:
        ++world->generation;
        world->owner = Owner::taking;
        if (early) give_out(world);
        return true;
      case Owner::taking:
        if (!look(world, &is_held)) return true;
        if (is_held) {
          world->owner = early ? Owner::lent : Owner::restoring;
        } else if (early) {
          world->owner = Owner::adding;
        } else {
          give_out(world);
        }
        return true;
      case Owner::restoring:
        --world->generation;
        world->owner = Owner::lent;
        return true;
      case Owner::lent:
        world->snapshot = world->claims;
        world->owner = world->snapshot == 0 ? Owner::rechecking : Owner::forgetting;
        return true;
      case Owner::forgetting: {
        const std::uint8_t slot = lowest(world->snapshot);
        if (world->locks.at(slot) == kNone || setup_.fault == Fault::forgets_without_lock) {
          world->locks.at(slot) = kMaxOthers;
          world->owner = Owner::wiping;
        } else {
          go_on_forgetting(world);
        }
        return true;
      }
      case Owner::wiping:
        clear(&world->bits, lowest(world->snapshot));
        world->owner = Owner::clearing;
        return true;
      case Owner::clearing:
        clear(&world->claims, lowest(world->snapshot));
        world->owner = Owner::unlocking;
        return true;
      case Owner::unlocking:
        world->locks.at(lowest(world->snapshot)) = kNone;
        go_on_forgetting(world);
        return true;
      case Owner::rechecking:
        if (look(world, &is_held)) world->owner = is_held ? Owner::lent : Owner::idle;
        return true;
    }
    return false;
  }

  static void go_on_forgetting(World* world) {
    clear(&world->snapshot, lowest(world->snapshot));
    world->owner = world->snapshot == 0 ? Owner::rechecking : Owner::forgetting;
  }

 private:
  // Reads one thing a step; true when it knows.
  bool look(World* world, bool* is_held) const {
    *is_held = false;
    bool is_done = false;
    switch (world->look) {
      case Look::moves:
        world->moves_before = world->moves;
        world->look = Look::no_reuse;
        break;
      case Look::no_reuse:
        *is_held = world->no_reuse;
        world->look = Look::claims;
        break;
      case Look::claims:
        world->snapshot = world->claims;
        world->look = world->snapshot == 0 ? Look::moves_again : Look::bits;
        break;
      case Look::bits: {
        const std::uint8_t slot = lowest(world->snapshot);
        *is_held = (world->bits & bit(slot)) != 0;
        clear(&world->snapshot, slot);
        if (world->snapshot == 0) world->look = Look::moves_again;
        break;
      }
      case Look::moves_again:
        is_done = world->moves == world->moves_before || setup_.fault == Fault::looks_once;
        world->look = Look::moves;
        break;
    }
    if (!is_done && !*is_held) return false;
    world->look = Look::moves;
    world->snapshot = world->moves_before = 0;
    return true;
  }

  static void give_out(World* world) {
    world->owner = Owner::holding;
    ++world->given;
  }

  Setup setup_;
};

}  // namespace nativeconc::shared
