// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Looking again for a few microseconds before going to sleep: a sleep and a wake-up from one core
// to another take ten times as long. Worth it only if whoever ends the wait runs at the same time.
//
// Any thread. The pauses are long from the start: to look more often takes the cache line away from
// the thread that is about to change it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "nativeconc/os/short_mutex.hpp"

namespace nativeconc::sync {

// Calls over() a few times, until it returns true; returns whether it did.
template <class Over>
bool spin(Over over) {
  constexpr int kFirstPause = 64;
  constexpr int kLongestPause = 256;
  for (int pause = kFirstPause; pause <= kLongestPause; pause *= 2) {
    for (int i = 0; i < pause; ++i) os::pause_briefly();
    if (over()) return true;
  }
  return false;
}

// The same for waits that may be long: after n spins in vain, one by one, the next 2^n - 1 waits go
// to sleep at once.
class SpinHabit {
 public:
  template <class Over>
  bool spin(Over over) {
    if (over()) return true;  // it was the wake-up before that took so long: no spin, no habit
    // relaxed: threads that get in each other's way here spin once too often or too seldom
    const std::uint32_t state = state_.load(std::memory_order_relaxed);
    if ((state & kToSkip) != 0) {
      state_.store(state - 1, std::memory_order_relaxed);
      return false;
    }
    const bool is_over = sync::spin(over);
    const std::uint32_t misses = is_over ? 0 : std::min(state / kOneMiss + 1, kMostMisses);
    const std::uint32_t to_skip = (1U << misses) - 1;
    state_.store(misses * kOneMiss | to_skip, std::memory_order_relaxed);
    return is_over;
  }

 private:
  //   bits 16..   spins in vain, up to kMostMisses
  //   bits 0..15  waits to go without a spin
  static constexpr std::uint32_t kToSkip = 0xffff;
  static constexpr std::uint32_t kOneMiss = 0x1'0000;
  static constexpr std::uint32_t kMostMisses = 6;

  std::atomic<std::uint32_t> state_{0};
};

}  // namespace nativeconc::sync
