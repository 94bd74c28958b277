// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sleeping until something in shared memory changes, where whoever changes it pays nothing while
// nobody sleeps.
//
// Any thread of any process. All zero bytes: nobody sleeps. A wake-up that goes to a thread which
// dies is lost: so a sleep ends after a slice at the latest (slice.hpp), and the caller looks
// again.
//
//   bits 1..31  epoch    moves on when a ring found nobody asleep
//   bit  0      waiters  somebody may sleep, or be about to
//
// Invariants: who sleeps has set `waiters`, and has looked since; who rings has made its change
// before it reads the word (both seq_cst). So either the sleeper has seen the change, or the ringer
// sees `waiters`. The bit goes only together with a new epoch: then who is about to sleep on the
// old one does not, and all who do are woken.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/os/futex.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/slice.hpp"

namespace nativeconc::shared {

// How one sleeps on a word of shared memory.
struct SharedFutex {
  static const std::uint32_t* address(const std::atomic<std::uint32_t>& word) {
    return reinterpret_cast<const std::uint32_t*>(&word);
  }
  static os::FutexResult sleep(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                               Deadline deadline) {
    return os::futex_wait(address(word), expected, next_slice(deadline), os::Scope::processes);
  }
  static bool wake_one(const std::atomic<std::uint32_t>& word) {
    return os::futex_wake_one(address(word), os::Scope::processes);
  }
  static void wake_all(const std::atomic<std::uint32_t>& word) {
    os::futex_wake_all(address(word), os::Scope::processes);
  }
};

template <template <class> class Atomic, class Futex>
class BasicBell {
 public:
  // Whether ring() would have to look for sleepers.
  bool may_have_sleepers() const { return (word_.load() & kWaiters) != 0; }

  // Wakes up to `most` sleepers, after the change. Never blocks.
  void ring(std::uint64_t most) {
    std::uint32_t now = word_.load();
    if ((now & kWaiters) == 0) return;
    fault_point();
    for (std::uint64_t i = 0; i < most; ++i) {
      if (Futex::wake_one(word_)) continue;
      // Nobody was asleep, so the next ring need not ask. But somebody may have fallen asleep
      // since, who had looked before the change: he is woken after the bit is gone.
      if (word_.compare_exchange_strong(now, (now & ~kWaiters) + kOneEpoch)) {
        fault_point();
        Futex::wake_all(word_);
      }
      return;
    }
  }

  void ring_for_all() {
    std::uint32_t now = word_.load();
    while ((now & kWaiters) != 0) {
      if (!word_.compare_exchange_strong(now, (now & ~kWaiters) + kOneEpoch)) continue;
      Futex::wake_all(word_);
      return;
    }
  }

  // Sleeps once, unless has_changed() says so already. Blocks, for a slice at most. The result says
  // why it returned, not whether anything changed.
  template <class HasChanged>
  os::FutexResult sleep(HasChanged has_changed, Deadline deadline) {
    std::uint32_t now = word_.load();
    while ((now & kWaiters) == 0) {
      if (word_.compare_exchange_strong(now, now | kWaiters)) now |= kWaiters;
    }
    fault_point();
    if (has_changed()) return os::FutexResult::woken;
    return Futex::sleep(word_, now, deadline);
  }

 private:
  static constexpr std::uint32_t kWaiters = 1;
  static constexpr std::uint32_t kOneEpoch = 2;

  Atomic<std::uint32_t> word_{};
};

using Bell = BasicBell<std::atomic, SharedFutex>;
static_assert(sizeof(Bell) == 4);

}  // namespace nativeconc::shared
