// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/base/deadline.hpp"

#include <gtest/gtest.h>

namespace nativeconc {
namespace {

TEST(Deadline, NeverNeverPasses) {
  EXPECT_TRUE(Deadline::never().is_never());
  EXPECT_FALSE(Deadline::never().has_passed());
}

TEST(Deadline, NoTimeAndNegativeTimeHavePassed) {
  EXPECT_TRUE(Deadline::after(0).has_passed());
  EXPECT_TRUE(Deadline::after(-5'000'000'000).has_passed());
  EXPECT_TRUE(Deadline::expired().has_passed());
}

TEST(Deadline, ATimeTooLongToRepresentIsNever) {
  EXPECT_TRUE(Deadline::after(std::numeric_limits<std::int64_t>::max()).is_never());
}

TEST(Deadline, LiesAheadByTheTimeout) {
  const std::int64_t before = monotonic_ns();
  const Deadline deadline = Deadline::after(3'600'000'000'000);
  EXPECT_GE(deadline.when_ns(), before + 3'600'000'000'000);
  EXPECT_FALSE(deadline.has_passed());
}

TEST(Deadline, EarlierPrefersAnyTimeOverNever) {
  const Deadline soon = Deadline::at(1);
  EXPECT_EQ(earlier(soon, Deadline::never()), soon);
  EXPECT_EQ(earlier(Deadline::never(), soon), soon);
  EXPECT_EQ(earlier(Deadline::at(2), soon), soon);
}

}  // namespace
}  // namespace nativeconc
