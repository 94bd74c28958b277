// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/cancellation.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace nativeconc::pool {
namespace {

TEST(Cancellation, StaysRequested) {
  Cancellation cancellation;
  EXPECT_FALSE(cancellation.requested());
  cancellation.request();
  EXPECT_TRUE(cancellation.requested());
  EXPECT_TRUE(cancellation.poll_if_due());
}

TEST(Cancellation, AsksNobodyWhenItHasNoPoll) {
  Cancellation cancellation;
  EXPECT_FALSE(cancellation.poll_if_due());
}

TEST(Cancellation, AsksOnlyWhenTheIntervalIsOver) {
  int asked = 0;
  Cancellation cancellation(
      [](void* context) {
        ++*static_cast<int*>(context);
        return false;
      },
      &asked);
  const Deadline first = Deadline::after(Cancellation::kPollIntervalNs);
  while (asked == 0) EXPECT_FALSE(cancellation.poll_if_due());
  EXPECT_TRUE(first.has_passed() || asked == 0);
  EXPECT_FALSE(cancellation.poll_if_due());
  EXPECT_EQ(asked, 1);
}

TEST(Cancellation, DoesNotAskAgainOnceThePollHasSaidStop) {
  int asked = 0;
  Cancellation cancellation(
      [](void* context) {
        ++*static_cast<int*>(context);
        return true;
      },
      &asked);
  while (!cancellation.poll_if_due()) std::this_thread::yield();
  EXPECT_TRUE(cancellation.poll_if_due());
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace nativeconc::pool
