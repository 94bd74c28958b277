// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs real code through every schedule of a few actors, deaths included.
//
// The code is a template over its atomics; here each operation on one is a step. An actor is a
// function that is run from its start again and again: what its steps so far have returned is told
// to it from a list, then it makes one more step, and all that follows up to the one after that.
// So where an actor stands is that list, and a state of the world (the memory, and the lists) can
// be copied, kept and compared like any value. The search visits each state that can be reached
// once.
//
// Actors must do nothing but what follows from what they are told. What a test wants to remember or
// to check in between it does in note(), which is done once, not again in each run.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace nativeconc::model {

enum class Status : std::uint8_t { runnable, asleep, done, dead };

// What ends a sleep, as it is told to the sleeper.
enum class Woken : std::uint64_t { by_another, by_time };

constexpr std::size_t kMostPhases = 8;

struct Actor {
  Status status = Status::runnable;
  std::uint8_t times_left = 0;  // how often a sleep of it may end by time
  std::uint8_t phase = 0;
  std::uint8_t notes = 0;
  std::uint32_t sleeps_on = 0;  // a place in the memory
  std::array<std::uint64_t, kMostPhases> results{};
  std::vector<std::uint64_t> told;
};

// One run of one actor. Atomics and the rest find it in `current`; without one they act at once.
class Run {
 public:
  static inline Run* current = nullptr;

  // `base` is where the memory begins that the actors share.
  Run(const void* base, std::vector<Actor>& actors, std::size_t me, std::uint64_t choice)
      : base_(static_cast<const std::byte*>(base)), actors_(actors), me_(me), choice_(choice) {
    current = this;
  }
  ~Run() { current = nullptr; }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // For checks at the end: all that the actor does is done at once.
  void run_freely() { is_free_ = true; }

  template <class Program>
  void go(Program program) {
    try {
      program();
      mine().status = Status::done;
    } catch (const Suspended&) {
    }
  }

  template <class Operation>
  std::uint64_t step(Operation operation) {
    if (is_free_) return operation();
    if (next_ < mine().told.size()) return mine().told[next_++];
    if (has_stepped_) throw Suspended{};
    has_stepped_ = true;
    ++next_;
    mine().told.push_back(operation());
    return mine().told.back();
  }

  // Any number below n; each is tried.
  std::uint64_t choose(std::uint64_t n) {
    return step([&] {
      alternatives_ = n;
      return choice_;
    });
  }
  std::uint64_t alternatives() const { return alternatives_; }

  // Sleeps on the word if it `matches`.
  template <class Matches>
  Woken sleep(const void* word, Matches matches) {
    if (next_ < mine().told.size()) return Woken{mine().told[next_++]};
    if (has_stepped_) throw Suspended{};
    has_stepped_ = true;
    if (!matches()) {
      ++next_;
      mine().told.push_back(static_cast<std::uint64_t>(Woken::by_another));
      return Woken::by_another;
    }
    mine().status = Status::asleep;
    mine().sleeps_on = place_of(word);
    throw Suspended{};
  }

  void wake(const void* word) {
    step([&] {
      for (Actor& actor : actors_) {
        if (actor.status != Status::asleep || actor.sleeps_on != place_of(word)) continue;
        actor.status = Status::runnable;
        actor.told.push_back(static_cast<std::uint64_t>(Woken::by_another));
        break;
      }
      return std::uint64_t{0};
    });
  }

  bool is_dead(std::size_t actor) {
    return step([&] { return actors_[actor].status == Status::dead ? 1U : 0U; }) != 0;
  }

  template <class Function>
  void note(Function function) {
    if (noted_++ < mine().notes) return;
    ++mine().notes;
    function();
  }

  // A part of the program. When it is through only its result is remembered, not how it came about.
  template <class Body>
  std::uint64_t phase(std::uint8_t number, Body body) {
    if (mine().phase > number) return mine().results.at(number);
    mine().results.at(number) = body();
    mine().phase = static_cast<std::uint8_t>(number + 1);
    mine().told.clear();
    mine().notes = noted_ = 0;
    next_ = 0;
    return mine().results.at(number);
  }

 private:
  struct Suspended {};

  Actor& mine() { return actors_[me_]; }
  std::uint32_t place_of(const void* word) const {
    return static_cast<std::uint32_t>(static_cast<const std::byte*>(word) - base_);
  }

  const std::byte* base_;
  std::vector<Actor>& actors_;
  std::size_t me_;
  std::uint64_t choice_;
  std::uint64_t alternatives_ = 1;
  std::size_t next_ = 0;
  std::uint8_t noted_ = 0;
  bool has_stepped_ = false;
  bool is_free_ = false;
};

// To see that a search finds it out: the two halves of a compare-and-swap as steps of their own.
inline bool are_torn = false;

// In the place of std::atomic.
template <class T>
class Atomic {
 public:
  Atomic() = default;
  Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const {
    return static_cast<T>(Run::current->step([&] { return std::uint64_t{value_}; }));
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) {
    Run::current->step([&] { return std::uint64_t{value_ = value}; });
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) {
    return static_cast<T>(Run::current->step(
        [&] { return std::uint64_t{std::exchange(value_, static_cast<T>(value_ + value))}; }));
  }
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    const T wanted = expected;
    if (are_torn) {
      expected = load();
      if (expected == wanted) store(desired);
    } else {
      expected = static_cast<T>(Run::current->step([&] {
        return std::uint64_t{value_ == wanted ? std::exchange(value_, desired) : value_};
      }));
    }
    return expected == wanted;
  }

  // A look that is no step, for checks.
  T peek() const { return value_; }

 private:
  T value_ = 0;
};

// A state of the world. Memory may not be copied, being made of atomics; its bytes are.
template <class Memory, class Notes>
struct World {
  static_assert(std::is_trivially_destructible_v<Memory>);
  static_assert(std::has_unique_object_representations_v<Notes>);

  World() = default;
  World(const World& other) { *this = other; }
  World& operator=(const World& other) {
    std::memcpy(static_cast<void*>(&memory), static_cast<const void*>(&other.memory),
                sizeof memory);
    notes = other.notes;
    actors = other.actors;
    deaths_left = other.deaths_left;
    return *this;
  }

  std::string key() const {
    std::string key(reinterpret_cast<const char*>(&memory), sizeof memory);
    key.append(reinterpret_cast<const char*>(&notes), sizeof notes);
    key.push_back(static_cast<char>(deaths_left));
    for (const Actor& actor : actors) {
      key.push_back(static_cast<char>(actor.status));
      key.push_back(static_cast<char>(actor.times_left));
      key.push_back(static_cast<char>(actor.phase));
      key.push_back(static_cast<char>(actor.notes));
      key.push_back(static_cast<char>(actor.told.size()));
      if (actor.status == Status::asleep) key.push_back(static_cast<char>(actor.sleeps_on));
      append(&key, actor.results.data(), actor.phase);
      append(&key, actor.told.data(), actor.told.size());
    }
    return key;
  }

  Memory memory;
  Notes notes{};
  std::vector<Actor> actors;
  std::uint8_t deaths_left = 0;

 private:
  static void append(std::string* key, const std::uint64_t* values, std::size_t n) {
    key->append(reinterpret_cast<const char*>(values), n * sizeof *values);
  }
};

// Model: step(World&, actor) runs that actor's program in the world; after(before, after, actor)
// checks what a step has done; at_end(World&) what is left when nobody can move any more. All of
// them say what they find by fail(). The search ends with the first failure.
template <class World, class Model>
class Search {
 public:
  Search(World start, Model& model) : model_(model) { push(std::move(start)); }

  void run() {
    while (!todo_.empty() && model_.failure().empty()) {
      const World world = std::move(todo_.back());
      todo_.pop_back();
      bool can_move = false;
      for (std::size_t i = 0; i < world.actors.size(); ++i) can_move |= advance(world, i);
      if (!can_move) {
        World last = world;
        model_.at_end(last);
      }
    }
  }

  std::size_t states() const { return seen_.size(); }

 private:
  void push(World world) {
    if (seen_.insert(world.key()).second) todo_.push_back(std::move(world));
  }

  bool advance(const World& world, std::size_t i) {
    const Status status = world.actors[i].status;
    if (status == Status::done || status == Status::dead) return false;
    if (world.deaths_left > 0) {
      World next = world;
      next.actors[i].status = Status::dead;
      next.actors[i].told.clear();
      --next.deaths_left;
      push(std::move(next));
    }
    if (status == Status::asleep) {
      if (world.actors[i].times_left == 0) return false;
      World next = world;
      next.actors[i].status = Status::runnable;
      next.actors[i].told.push_back(static_cast<std::uint64_t>(Woken::by_time));
      --next.actors[i].times_left;
      push(std::move(next));
      return true;
    }
    std::uint64_t alternatives = 1;
    for (std::uint64_t choice = 0; choice < alternatives; ++choice) {
      World next = world;
      Run run(&next.memory, next.actors, i, choice);
      run.go([&] { model_.step(next, i); });
      alternatives = run.alternatives();
      model_.after(world, next, i);
      push(std::move(next));
    }
    return true;
  }

  Model& model_;
  std::vector<World> todo_;
  std::unordered_set<std::string> seen_;
};

}  // namespace nativeconc::model
