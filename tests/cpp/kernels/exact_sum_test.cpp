// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/exact_sum.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace nativeconc::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kSmallest = std::numeric_limits<double>::denorm_min();

ExactSum sum_of(const std::vector<double>& numbers) {
  ExactSum sum;
  for (const double x : numbers) sum.add(x);
  return sum;
}

double total(const std::vector<double>& numbers) { return sum_of(numbers).to_double(); }

TEST(ExactSum, LosesNothing) {
  EXPECT_EQ(total({}), 0.0);
  EXPECT_EQ(total({1e308, 1.0, -1e308}), 1.0);
  EXPECT_EQ(total({1.0, 0x1p-1074, -1.0}), kSmallest);
  EXPECT_EQ(total({-0.0}), 0.0);
  EXPECT_EQ(total({kLargest, kLargest, -kLargest}), kLargest);
  EXPECT_EQ(total({-kLargest, 3.5, kLargest}), 3.5);
}

TEST(ExactSum, RoundsOnceToTheNearestEven) {
  EXPECT_EQ(total({1.0, 0x1p-53}), 1.0);
  EXPECT_EQ(total({1.0, 0x1p-53, kSmallest}), 1.0 + 0x1p-52);
  EXPECT_EQ(total({1.0 + 0x1p-52, 0x1p-53}), 1.0 + 0x1p-51);
  EXPECT_EQ(total({-1.0, -0x1p-53, -kSmallest}), -1.0 - 0x1p-52);
  EXPECT_EQ(total({kLargest, 0x1p970}), kInfinity);
  EXPECT_EQ(total({kLargest, 0x1p969}), kLargest);
}

TEST(ExactSum, RoundsToFloatWithoutGoingByWayOfDouble) {
  // Half a step above 1, and a bit that a double would drop.
  const ExactSum sum = sum_of({1.0, 0x1p-24, 0x1p-90});
  EXPECT_EQ(sum.to_float(), 1.0F + 0x1p-23F);
  EXPECT_EQ(static_cast<float>(sum.to_double()), 1.0F);
  EXPECT_EQ(sum_of({0x1p-150, 0x1p-200}).to_float(), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(sum_of({0x1p-150}).to_float(), 0.0F);
  EXPECT_EQ(sum_of({0x1p128}).to_float(), std::numeric_limits<float>::infinity());
}

TEST(ExactSum, KeepsInfinitiesAndNans) {
  EXPECT_EQ(total({kInfinity, 1.0}), kInfinity);
  EXPECT_EQ(total({-kInfinity, 1.0}), -kInfinity);
  EXPECT_TRUE(std::isnan(total({kInfinity, -kInfinity})));
  EXPECT_TRUE(std::isnan(total({std::nan(""), 1.0})));
}

TEST(ExactSum, GivesOneValueForEveryOrderAndEveryTree) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> numbers;
    for (int i = 0; i < 2000; ++i) {
      double x = std::bit_cast<double>(random());
      if (!std::isfinite(x)) x = 1.0;
      numbers.push_back(x);
      if (i % 3 == 0) numbers.push_back(-x);
    }
    const double expected = total(numbers);
    std::shuffle(numbers.begin(), numbers.end(), random);
    ExactSum parts[3];
    for (const double x : numbers) parts[random() % 3].add(x);
    parts[0].merge(parts[2]);
    parts[1].merge(parts[0]);
    ASSERT_EQ(parts[1].to_double(), expected);
  }
}

TEST(ExactSum, CancelsToZero) {
  std::mt19937_64 random(6);
  ExactSum sum;
  std::vector<double> numbers(100'000);
  for (double& x : numbers) {
    x = std::bit_cast<double>(random());
    if (!std::isfinite(x)) x = 2.0;
    sum.add(x);
  }
  for (const double x : numbers) sum.add(-x);
  EXPECT_EQ(sum.to_double(), 0.0);
}

TEST(ExactSum, IsExactForWholeNumbers) {
  std::mt19937_64 random(7);
  ExactSum sum;
  __int128 exact = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto x = static_cast<std::int64_t>(random() >> 11) - (std::int64_t{1} << 52);
    sum.add(static_cast<double>(x));
    exact += x;
  }
  EXPECT_EQ(sum.to_double(), static_cast<double>(exact));
}

}  // namespace
}  // namespace nativeconc::kernels
