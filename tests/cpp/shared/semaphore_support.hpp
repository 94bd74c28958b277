// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What the tests of shared::Semaphore have in common: taking and giving as the seam does, and
// children that hold permits.
#pragma once

#include <gtest/gtest.h>

#include "nativeconc/shared/semaphore.hpp"
#include "processes.hpp"

namespace nativeconc::shared {

using Bound = Semaphore::Bound;
using Entry = Semaphore::Entry;
using Release = Semaphore::Release;

inline Entry acquire(Semaphore& semaphore, Deadline deadline = Deadline::never()) {
  Semaphore::Waiter waiter;
  Entry entry = Entry::interrupted;
  while (entry == Entry::interrupted) {
    entry = semaphore.acquire(Semaphore::this_caller(), deadline, waiter);
  }
  return entry;
}

inline Entry try_acquire(Semaphore& semaphore) {
  return semaphore.try_acquire(Semaphore::this_caller(), Deadline::never());
}

inline Release release(Semaphore& semaphore, std::uint32_t n = 1) {
  return semaphore.release(Semaphore::this_caller(), n, Deadline::never());
}

// Takes all there is and gives it back.
inline std::uint32_t count(Semaphore& semaphore) {
  std::uint32_t n = 0;
  while (try_acquire(semaphore) == Entry::acquired) ++n;
  if (n > 0) {
    EXPECT_EQ(release(semaphore, n), Release::done);
  }
  return n;
}

inline void start(testing::Shared<Semaphore>& semaphore, std::uint32_t value,
                  Bound bound = Bound::none) {
  new (&*semaphore) Semaphore(value, bound);
}

// A child that holds n permits until it is killed.
inline pid_t start_holder(Semaphore& semaphore, std::uint32_t n) {
  testing::Shared<std::atomic<bool>> holds;
  const pid_t child = testing::start_child([&] {
    for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(acquire(semaphore), Entry::acquired);
    *holds = true;
    for (;;) pause();
  });
  testing::wait_until([&] { return holds->load(); });
  return child;
}

}  // namespace nativeconc::shared
