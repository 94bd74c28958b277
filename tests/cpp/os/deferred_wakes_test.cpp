// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/deferred_wakes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "nativeconc/os/futex.hpp"

namespace nativeconc::os {
namespace {

TEST(DeferredWakes, AreOwedUntilTheyArePaid) {
  const std::uint32_t word = 0;
  EXPECT_EQ(detail::wakes_owed, 0U);
  wake_one(&word, Scope::threads, Wake::later);
  wake_one(&word, Scope::threads, Wake::later);
  EXPECT_EQ(detail::wakes_owed, 2U);
  wake_deferred();
  EXPECT_EQ(detail::wakes_owed, 0U);
  wake_deferred();
}

TEST(DeferredWakes, AreMadeAtOnceWhereThereIsNoRoom) {
  const std::uint32_t word = 0;
  for (int i = 0; i < 100; ++i) wake_one(&word, Scope::threads, Wake::later);
  EXPECT_LT(detail::wakes_owed, 100U);
  EXPECT_GT(detail::wakes_owed, 0U);
  wake_deferred();
}

TEST(DeferredWakes, BelongToTheirThread) {
  const std::uint32_t word = 0;
  wake_one(&word, Scope::threads, Wake::later);
  std::thread([] { EXPECT_EQ(detail::wakes_owed, 0U); }).join();
  EXPECT_EQ(detail::wakes_owed, 1U);
  wake_deferred();
}

TEST(DeferredWakes, AreMadeAtOnceIfTheyAreToBe) {
  const std::uint32_t word = 0;
  wake_one(&word, Scope::processes, Wake::now);
  EXPECT_EQ(detail::wakes_owed, 0U);
}

// Whoever sleeps is woken when the thread that owes it a wake-up ends without having paid. A
// sleeper that was late to sleep has missed its one wake-up, so it is owed another.
TEST(DeferredWakes, ArePaidWhenTheThreadEnds) {
  for (const Scope scope : {Scope::threads, Scope::processes}) {
    std::atomic<bool> woken{false};
    alignas(4) std::uint32_t word = 0;
    std::thread sleeper([&] {
      EXPECT_EQ(futex_wait(&word, 0, Deadline::never(), scope), FutexResult::woken);
      woken = true;
    });
    while (!woken) {
      std::thread([&] { wake_one(&word, scope, Wake::later); }).join();
      std::this_thread::yield();
    }
    sleeper.join();
  }
}

}  // namespace
}  // namespace nativeconc::os
