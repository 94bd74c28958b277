// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/bincount.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "every_path.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

ArrayView row_view(const void* data, Dtype dtype, std::size_t n) {
  ArrayView view;
  view.data = data;
  view.dtype = dtype;
  view.ndim = 1;
  view.shape[0] = static_cast<std::int64_t>(n);
  view.strides[0] = static_cast<std::int64_t>(size_of(dtype));
  return view;
}

template <class Number>
std::vector<Number> numbers_of(const Bincount& counted) {
  const auto* const first = static_cast<const Number*>(counted.numbers.get());
  return {first, first + counted.n};
}

template <class T>
std::vector<T> random_numbers(std::size_t n, std::uint64_t below) {
  std::mt19937_64 random(n);
  std::vector<T> x(n);
  for (T& each : x) each = static_cast<T>(random() % below);
  return x;
}

template <class T>
void counts_right(Dtype dtype, std::size_t n, std::uint64_t below) {
  const std::vector<T> x = random_numbers<T>(n, below);
  std::vector<double> w(n);
  for (std::size_t i = 0; i < n; ++i) w[i] = 1.0 / static_cast<double>(i + 1);
  std::vector<std::int64_t> counts(n == 0 ? 0 : 1 + *std::max_element(x.begin(), x.end()));
  std::vector<double> sums(counts.size());
  for (std::size_t i = 0; i < n; ++i) {
    ++counts[static_cast<std::size_t>(x[i])];
    sums[static_cast<std::size_t>(x[i])] += w[i];
  }
  const ArrayView weights = row_view(w.data(), Dtype::float64, n);
  on_every_path([&](const Execution& execution) {
    Bincount out;
    ASSERT_EQ(bincount(row_view(x.data(), dtype, n), nullptr, 0, execution, out), Outcome::done);
    EXPECT_EQ(numbers_of<std::int64_t>(out), counts);
    if (n == 0) return;
    ASSERT_EQ(bincount(row_view(x.data(), dtype, n), &weights, 0, execution, out), Outcome::done);
    EXPECT_EQ(numbers_of<double>(out), sums);
  });
}

TEST(Bincount, CountsOnEveryPath) {
  for (const std::size_t n : {0, 1, 17, 1025, 300'001}) {
    counts_right<std::int64_t>(Dtype::int64, n, 900);
    counts_right<std::int64_t>(Dtype::int64, n, 300'000);
    counts_right<std::uint32_t>(Dtype::uint32, n, 5000);
    counts_right<std::int8_t>(Dtype::int8, n, 128);
    counts_right<std::uint8_t>(Dtype::uint8, n, 256);
  }
}

TEST(Bincount, FindsOneNegativeOrLargeElement) {
  for (const std::size_t place : {0, 5, 123'456, 299'999}) {
    std::vector<std::int16_t> x(300'000, 1);
    x[place] = -32768;
    on_every_path([&](const Execution& execution) {
      Bincount out;
      ASSERT_EQ(bincount(row_view(x.data(), Dtype::int16, x.size()), nullptr, 0, execution, out),
                Outcome::done);
      EXPECT_TRUE(out.negative);
    });
    x[place] = 32767;
    on_every_path([&](const Execution& execution) {
      Bincount out;
      ASSERT_EQ(bincount(row_view(x.data(), Dtype::int16, x.size()), nullptr, 0, execution, out),
                Outcome::done);
      EXPECT_EQ(out.n, 32768);
      EXPECT_EQ(numbers_of<std::int64_t>(out)[32767], 1);
    });
  }
}

TEST(Bincount, HasAtLeastTheLengthAskedFor) {
  const std::vector<std::int32_t> x(200'000, 3);
  for (const std::size_t n : {0, 5, 200'000}) {
    Bincount out;
    ASSERT_EQ(bincount(row_view(x.data(), Dtype::int32, n), nullptr, 10, {2}, out), Outcome::done);
    std::vector<std::int64_t> expected(10);
    expected[3] = static_cast<std::int64_t>(n);
    EXPECT_EQ(numbers_of<std::int64_t>(out), expected);
  }
}

TEST(Bincount, CanBeCancelled) {
  const std::vector<std::int64_t> x(1'000'000, 1);
  AlreadyCancelled cancelled;
  for (const int threads : {1, 4}) {
    Bincount out;
    EXPECT_EQ(bincount(row_view(x.data(), Dtype::int64, x.size()), nullptr, 0,
                       cancelled.execution(threads), out),
              Outcome::cancelled);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
