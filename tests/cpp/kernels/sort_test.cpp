// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// sort and argsort, and the keys they go by.
#include "nativeconc/kernels/sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "every_path.hpp"
#include "nativeconc/kernels/argsort.hpp"
#include "nativeconc/kernels/order_keys.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
ArrayView view_of(const std::vector<T>& a, Dtype dtype) {
  ArrayView view;
  view.data = a.data();
  view.dtype = dtype;
  view.ndim = 1;
  view.shape[0] = static_cast<std::int64_t>(a.size());
  view.strides[0] = sizeof(T);
  return view;
}

bool before(double x, double y) { return x < y || (y != y && x == x); }
bool before(std::int64_t x, std::int64_t y) { return x < y; }

template <class T>
void check(const std::vector<T>& a, Dtype dtype) {
  std::vector<std::int64_t> order(a.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](std::int64_t i) { return a[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t i, std::int64_t j) { return before(at(i), at(j)); });
  std::vector<T> sorted;
  for (const std::int64_t i : order) sorted.push_back(at(i));
  for (const int threads : {1, 2, 3, 8, 64}) {
    std::vector<T> out(a.size());
    EXPECT_EQ(sort(view_of(a, dtype), 0, {threads}, out.data()), Outcome::done);
    EXPECT_EQ(std::memcmp(out.data(), sorted.data(), out.size() * sizeof(T)), 0) << threads;
    std::vector<std::int64_t> indices(a.size());
    EXPECT_EQ(argsort(view_of(a, dtype), 0, {threads}, indices.data()), Outcome::done);
    EXPECT_EQ(indices, order) << threads;
    EXPECT_EQ(argsort_of_many(view_of(a, dtype), 0, {threads}, indices.data()), Outcome::done);
    EXPECT_EQ(indices, order) << threads;
  }
}

constexpr std::size_t kSizes[] = {1, 2, 24, 25, 1000, 65'535, 65'536, 150'001, 1'200'000};

TEST(Sort, OrdersRandomNumbers) {
  for (const std::size_t n : kSizes) {
    std::mt19937_64 random(n);
    std::vector<std::int64_t> a(n);
    for (auto& x : a) x = static_cast<std::int64_t>(random());
    check(a, Dtype::int64);
    for (auto& x : a) x %= 1000;
    check(a, Dtype::int64);
  }
}

TEST(Sort, OrdersFloatsWithNansAndZeros) {
  const double special[] = {0.0, -0.0, kNan, -kNan, kInfinity, -kInfinity, 5e-324, -5e-324};
  for (const std::size_t n : kSizes) {
    std::mt19937_64 random(n);
    std::vector<double> a(n);
    for (auto& x : a) x = random() % 4 == 0 ? special[random() % 8] : std::ldexp(random() % 99, 3);
    check(a, Dtype::float64);
  }
}

TEST(Sort, OrdersClustersAndOutliers) {
  std::vector<std::int64_t> a(300'000);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<std::int64_t>(i * 7919 % 300'007) + (i % 2 == 0 ? 0 : std::int64_t{1} << 61);
  }
  a[7] = std::numeric_limits<std::int64_t>::min();
  check(a, Dtype::int64);
  std::sort(a.begin(), a.end());
  check(a, Dtype::int64);
  std::reverse(a.begin(), a.end());
  check(a, Dtype::int64);
}

TEST(Sort, CanBeCancelled) {
  const std::vector<std::int64_t> a(1'000'000, 1);
  std::vector<std::int64_t> out(a.size());
  AlreadyCancelled cancelled;
  for (const int threads : {1, 4}) {
    const ArrayView view = view_of(a, Dtype::int64);
    EXPECT_EQ(sort(view, 0, cancelled.execution(threads), out.data()), Outcome::cancelled);
    EXPECT_EQ(argsort(view, 0, cancelled.execution(threads), out.data()), Outcome::cancelled);
  }
}

template <class T>
void check_keys(const std::vector<T>& rising) {
  for (std::size_t i = 0; i < rising.size(); ++i) {
    EXPECT_EQ(std::bit_cast<Key<T>>(value_of<T>(key_of(rising[i]))),
              std::bit_cast<Key<T>>(rising[i]));
    if (i > 0) {
      EXPECT_LT(key_of(rising[i - 1]), key_of(rising[i])) << i;
    }
  }
}

TEST(OrderKeys, AreInTheOrderOfTheNumbers) {
  check_keys<double>(
      {-kInfinity, -1e308, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, 1e308, kInfinity, kNan});
  check_keys<float>({-HUGE_VALF, -1.0F, -0.0F, 0.0F, 1e-45F, 1.0F, HUGE_VALF, NAN});
  check_keys<std::int64_t>({std::numeric_limits<std::int64_t>::min(), -1, 0, 1,
                            std::numeric_limits<std::int64_t>::max()});
  check_keys<std::uint8_t>({0, 1, 127, 128, 255});
  EXPECT_GT(key_of(-kNan), key_of(kInfinity));
  EXPECT_EQ(equal_key_of(-kNan), equal_key_of(kNan));
  EXPECT_EQ(equal_key_of(-0.0), equal_key_of(0.0));
  EXPECT_LT(equal_key_of(0.0), equal_key_of(5e-324));
}

}  // namespace
}  // namespace nativeconc::kernels
