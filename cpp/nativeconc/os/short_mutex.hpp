// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The mutex that guards a primitive's own fields for a few instructions at a time.
//
// Any thread. Nobody waits for anything, runs Python or asks for the GIL while holding one: it may
// be taken with the GIL held, so an owner that wanted the GIL would be a deadlock of our own
// making. Builds with assertions count what a thread holds (internal_mutexes_held) and the seam
// checks it.
//
// Fork: the word says which generation took it. A child that finds it taken by a thread of its
// parent takes it over, and lock() says that what it guards may be half changed.
//
//   bits 2..31  fork generation (mod 2^30) of the owner; 0 when free
//   bit  1      contended: somebody may sleep, so unlock() must wake
//   bit  0      locked
//
// Invariant: whoever has slept takes the mutex with `contended` set, so that the last of several
// sleepers is woken too.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/os/fork_generation.hpp"

namespace nativeconc::os {

// For loops that look at a word again and again.
inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class ShortMutex {
 public:
  ShortMutex() = default;
  ShortMutex(const ShortMutex&) = delete;
  ShortMutex& operator=(const ShortMutex&) = delete;

  // False if it was taken over from a thread that did not survive a fork.
  bool lock() {
    std::uint32_t free = 0;
    // acquire: pairs with the release in unlock()
    const bool taken = word_.compare_exchange_strong(free, locked_now(), std::memory_order_acquire,
                                                     std::memory_order_relaxed);
    const bool whole = taken || lock_slowly();
    count_held(1);
    return whole;
  }

  void unlock() {
    count_held(-1);
    if ((word_.exchange(0, std::memory_order_release) & kContended) != 0) wake();
  }

 private:
  static constexpr std::uint32_t kLocked = 1;
  static constexpr std::uint32_t kContended = 2;
  static constexpr int kGenerationShift = 2;

  static std::uint32_t locked_now() { return fork_generation() << kGenerationShift | kLocked; }
  static void count_held(int change);
  bool lock_slowly();
  void wake() const;

  std::atomic<std::uint32_t> word_{0};
};

// How many short mutexes this thread holds; always 0 in builds without assertions.
int internal_mutexes_held();

#if defined(NDEBUG)
inline void ShortMutex::count_held(int) {}
inline int internal_mutexes_held() { return 0; }
#endif

// Holds a short mutex for a scope in which the state it guards need not survive a fork.
class ShortLock {
 public:
  explicit ShortLock(ShortMutex& mutex) : mutex_(mutex), whole_(mutex.lock()) {}
  ~ShortLock() { mutex_.unlock(); }
  ShortLock(const ShortLock&) = delete;
  ShortLock& operator=(const ShortLock&) = delete;

  // False if the guarded state may be half changed: see ShortMutex::lock.
  bool whole() const { return whole_; }

 private:
  ShortMutex& mutex_;
  const bool whole_;
};

}  // namespace nativeconc::os
