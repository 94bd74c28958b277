// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/short_mutex.hpp"

#include "nativeconc/os/futex.hpp"

namespace nativeconc::os {
namespace {

// Critical sections take some ten nanoseconds: most end while we look again.
constexpr int kSpins = 40;

}  // namespace

#if !defined(NDEBUG)
namespace {
thread_local int held = 0;
}  // namespace
void ShortMutex::count_held(int change) { held += change; }
int internal_mutexes_held() { return held; }
#endif

bool ShortMutex::lock_slowly() {
  const std::uint32_t mine = locked_now();
  std::uint32_t contended = 0;
  int spins = kSpins;
  std::uint32_t now = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool stale = now != 0 && (now | kContended) != (mine | kContended);
    if (now == 0 || stale) {
      if (word_.compare_exchange_weak(now, mine | contended, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return !stale;
      }
    } else if (spins > 0) {
      --spins;
      pause_briefly();
      now = word_.load(std::memory_order_relaxed);
    } else if ((now & kContended) != 0 ||
               word_.compare_exchange_weak(now, now | kContended, std::memory_order_relaxed)) {
      futex_wait(reinterpret_cast<const std::uint32_t*>(&word_), now | kContended,
                 Deadline::never(), Scope::threads);
      contended = kContended;
      now = word_.load(std::memory_order_relaxed);
    }
  }
}

void ShortMutex::wake() const {
  futex_wake_one(reinterpret_cast<const std::uint32_t*>(&word_), Scope::threads);
}

}  // namespace nativeconc::os
