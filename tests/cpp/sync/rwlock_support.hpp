// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What the tests of RWLock have in common: taking it as the seam does, and finding it free.
#pragma once

#include <gtest/gtest.h>

#include "nativeconc/sync/rwlock.hpp"
#include "support.hpp"

namespace nativeconc::sync {

using Try = RWLock::Try;
using Downgrade = RWLock::Downgrade;

inline WaitResult read(RWLock& lock, Deadline deadline = Deadline::never()) {
  for (;;) {
    if (lock.try_read() == Try::acquired) return WaitResult::acquired;
    const WaitResult result = lock.read(deadline);
    if (result != WaitResult::interrupted) return result;
  }
}

inline WaitResult write(RWLock& lock, Deadline deadline = Deadline::never()) {
  if (lock.try_write()) return WaitResult::acquired;
  RWLock::WriteWait wait;
  WaitResult result = WaitResult::interrupted;
  while (result == WaitResult::interrupted) result = lock.write(deadline, wait);
  if (result != WaitResult::acquired) lock.give_up(wait);
  return result;
}

inline void expect_free(RWLock& lock) {
  EXPECT_EQ(lock.readers(), 0U);
  EXPECT_EQ(RWLock::current_turn(&lock), deadlock::kNobody);
  testing::run_threads(1, [&](int) {
    EXPECT_TRUE(lock.try_write());
    EXPECT_TRUE(lock.release_write());
    EXPECT_EQ(lock.try_read(), Try::acquired);
    EXPECT_TRUE(lock.release_read());
  });
}

}  // namespace nativeconc::sync
