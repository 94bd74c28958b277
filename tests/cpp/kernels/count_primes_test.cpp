// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/count_primes.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "every_path.hpp"
#include "support.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

std::int64_t count(std::int64_t n, const Execution& execution = {}) {
  std::int64_t out = -1;
  EXPECT_EQ(count_primes(n, execution, out), Outcome::done);
  return out;
}

// counts[n] by a plain sieve.
std::vector<std::int64_t> plain_counts(std::size_t limit) {
  std::vector<bool> composite(limit + 1);
  std::vector<std::int64_t> counts(limit + 1);
  for (std::size_t i = 2; i <= limit; ++i) {
    counts[i] = counts[i - 1] + (composite[i] ? 0 : 1);
    if (!composite[i]) {
      for (std::size_t k = i * i; k <= limit; k += i) composite[k] = true;
    }
  }
  return counts;
}

TEST(CountPrimes, IsRightForEverySmallNumber) {
  const std::vector<std::int64_t> expected = plain_counts(3000);
  for (std::size_t n = 0; n < expected.size(); ++n) {
    ASSERT_EQ(count(static_cast<std::int64_t>(n)), expected[n]) << n;
  }
}

TEST(CountPrimes, FindsNoneBelowTwo) {
  EXPECT_EQ(count(-5), 0);
  EXPECT_EQ(count(1), 0);
}

// A segment ends every 983 040 numbers, a chunk every 7 864 320.
TEST(CountPrimes, IsRightAroundTheEndsOfSegmentsAndChunks) {
  const std::vector<std::int64_t> expected = plain_counts(15'728'700);
  for (const std::int64_t end : {983'040, 1'966'080, 7'864'320, 15'728'640}) {
    for (std::int64_t n = end - 33; n <= end + 33; n += 3) {
      ASSERT_EQ(count(n, {2}), expected[static_cast<std::size_t>(n)]) << n;
    }
  }
}

TEST(CountPrimes, IsRightAroundSquaresOfPrimes) {
  const std::vector<std::int64_t> expected = plain_counts(1'100'000);
  for (const std::int64_t p : {7, 13, 17, 19, 31, 97, 521, 997, 1009, 1021}) {
    for (std::int64_t n = p * p - 2; n <= p * p + 2; ++n) {
      ASSERT_EQ(count(n), expected[static_cast<std::size_t>(n)]) << n;
    }
  }
}

TEST(CountPrimes, KnowsTheTabulatedValues) {
  EXPECT_EQ(count(1'000'000), 78'498);
  EXPECT_EQ(count(10'000'000), 664'579);
  EXPECT_EQ(count(100'000'000, {2}), 5'761'455);
}

TEST(CountPrimes, IsTheSameForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8, 64}) EXPECT_EQ(count(50'000'000, {threads}), 3'001'134);
}

TEST(CountPrimes, CanBeCancelled) {
  AlreadyCancelled cancelled;
  std::int64_t out = 0;
  EXPECT_EQ(count_primes(kCountPrimesLimit, cancelled.execution(1), out), Outcome::cancelled);
  EXPECT_EQ(count_primes(kCountPrimesLimit, cancelled.execution(2), out), Outcome::cancelled);
}

}  // namespace
}  // namespace nativeconc::kernels
