// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of a few actors that run real code over atomics of the explorer's own, with
// deaths.
//
// An actor is a function that runs on a stack of its own. Before each thing that it does to shared
// memory (`Explorer::step`) it stops, and the explorer chooses who goes on, or dies there. A run
// cannot be taken back: for each choice that is left the explorer begins anew and repeats the
// choices before it. A state that was seen is not gone on from: two states are the same if the
// shared memory is, and each actor has read the same since its last checkpoint().
//
// Memory is sequentially consistent here. A relaxed load is taken for one of what only the actor
// itself can change at that time, and is no step; other orders are for TSan and for reading.
//
// Who sleeps is woken by who wakes, in turn. Time does not pass as long as anybody can do anything.
// When all others sleep, and one has died, one of them wakes by its slice; if nobody has died, then
// a wake-up was lost, and that is an error.
#pragma once

#include <ucontext.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace nativeconc::fibers {

// Fibers and sanitizers do not know of each other.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kCanExplore = false;
#else
inline constexpr bool kCanExplore = true;
#endif

struct Death {};  // thrown where an actor dies; nobody catches it but the explorer

class Explorer {
 public:
  struct Setup {
    std::vector<std::function<void()>> actors;
    std::function<void()> reset;           // makes all that is shared anew
    std::function<std::string()> content;  // of all that is shared
    std::function<void()> check_end;       // nobody can do anything more
    int deaths = 0;                        // at most
    bool sleeps_end = false;               // a sleep may end by itself at any time
  };

  // Runs all; returns how many states there are.
  static std::size_t run(Setup setup);

  // --- for actors, and what they run over

  // Before each access to what is shared.
  static void step();
  // The actor has read this.
  static void note(std::uint64_t value);
  // From here on what it does depends on this number alone, and on what it reads later.
  static void checkpoint(std::uint64_t number);
  // Stops until the condition holds, and no longer: for mutexes.
  static void step_when(const std::function<bool()>& is_possible);
  // Sleeps on a word; true if woken.
  static void sleep(const void* word);
  static bool wake_one(const void* word);
  static bool is_dying();
  static std::size_t self();
  static bool is_dead(std::size_t actor);
  static std::size_t deaths();
  // How the run got here, for messages.
  static std::string path();
};

template <class T>
class Atomic {
 public:
  Atomic() = default;
  Atomic(T value) : value_(value) {}  // NOLINT(google-explicit-constructor): as std::atomic

  T load(std::memory_order order = std::memory_order_seq_cst) const {
    if (order != std::memory_order_relaxed) Explorer::step();
    Explorer::note(value_);
    return value_;
  }
  template <class... Order>
  void store(T value, Order...) {
    Explorer::step();
    value_ = value;
  }
  template <class... Order>
  bool compare_exchange_strong(T& expected, T desired, Order...) {
    Explorer::step();
    Explorer::note(value_);
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = desired;
    return true;
  }
  // Outside of actors.
  T peek() const { return value_; }

 private:
  T value_{};
};

}  // namespace nativeconc::fibers
