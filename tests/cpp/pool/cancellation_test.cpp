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
  Deadline due = Deadline::after(Cancellation::kPollIntervalNs);
  Cancellation cancellation(
      [](void* context) {
        ++*static_cast<int*>(context);
        return false;
      },
      &asked);
  // A thread that is held up may rightly be asked again at once: all that is sure is "not early".
  for (int before = 0; before < 2; ++before) {
    Deadline next = due;
    while (asked == before) {
      next = Deadline::after(Cancellation::kPollIntervalNs);
      EXPECT_FALSE(cancellation.poll_if_due());
    }
    EXPECT_EQ(asked, before + 1);
    EXPECT_TRUE(due.has_passed());
    due = next;
  }
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
