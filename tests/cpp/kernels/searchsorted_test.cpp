// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/searchsorted.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "every_path.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;

ArrayView view_of(const std::vector<double>& a) {
  ArrayView view;
  view.data = a.data();
  view.dtype = Dtype::float64;
  view.ndim = 1;
  view.shape[0] = static_cast<std::int64_t>(a.size());
  view.strides[0] = sizeof(double);
  return view;
}

bool before(double x, double y) { return x < y || (y != y && x == x); }

std::vector<double> numbers(std::size_t n) {
  std::mt19937_64 random(n);
  std::vector<double> out(n);
  for (double& x : out) {
    const auto number = static_cast<double>(random() % 1000) - 500;
    x = random() % 50 == 0 ? std::numeric_limits<double>::quiet_NaN() : number * 0.5;
  }
  return out;
}

TEST(Searchsorted, CountsWhatIsBefore) {
  const std::vector<double> wanted = numbers(20'011);
  for (const std::size_t n : {0UL, 1UL, 2UL, 3UL, 17UL, 1000UL, 4096UL}) {
    std::vector<double> a = numbers(n);
    std::vector<std::int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    const auto at = [&](std::int64_t i) { return a[static_cast<std::size_t>(i)]; };
    std::sort(order.begin(), order.end(),
              [&](std::int64_t i, std::int64_t j) { return before(at(i), at(j)); });
    std::vector<double> sorted = a;
    std::sort(sorted.begin(), sorted.end(), before);
    for (const bool right : {false, true}) {
      std::vector<std::int64_t> expected;
      for (const double x : wanted) {
        const auto found = right ? std::upper_bound(sorted.begin(), sorted.end(), x, before)
                                 : std::lower_bound(sorted.begin(), sorted.end(), x, before);
        expected.push_back(found - sorted.begin());
      }
      for (const int threads : {1, 2, 3, 8, 64}) {
        bool bad = true;
        std::vector<std::int64_t> out(wanted.size());
        SortedArray plain;
        plain.values = view_of(sorted);
        EXPECT_EQ(searchsorted(plain, view_of(wanted), right, {threads}, out.data(), bad),
                  Outcome::done);
        EXPECT_EQ(out, expected);
        EXPECT_FALSE(bad);
        SortedArray ordered;
        ordered.values = view_of(a);
        ordered.order = reinterpret_cast<const unsigned char*>(order.data());
        ordered.order_stride = 8;
        EXPECT_EQ(searchsorted(ordered, view_of(wanted), right, {threads}, out.data(), bad),
                  Outcome::done);
        EXPECT_EQ(out, expected);
        EXPECT_FALSE(bad);
      }
    }
  }
}

TEST(Searchsorted, NeverFollowsAnIndexOutOfRange) {
  const std::vector<double> a(100, 1.0);
  const std::vector<double> wanted = numbers(50);
  for (const std::int64_t index : {std::int64_t{-1}, std::int64_t{100}, std::int64_t{1} << 62}) {
    const std::vector<std::int64_t> order(100, index);
    SortedArray ordered;
    ordered.values = view_of(a);
    ordered.order = reinterpret_cast<const unsigned char*>(order.data());
    ordered.order_stride = 8;
    std::vector<std::int64_t> out(wanted.size());
    bool bad = false;
    EXPECT_EQ(searchsorted(ordered, view_of(wanted), false, {2}, out.data(), bad), Outcome::done);
    EXPECT_TRUE(bad);
  }
}

TEST(Searchsorted, CanBeCancelled) {
  const std::vector<double> a(1000, 1.0);
  const std::vector<double> wanted(100'000, 1.0);
  std::vector<std::int64_t> out(wanted.size());
  SortedArray plain;
  plain.values = view_of(a);
  AlreadyCancelled cancelled;
  bool bad = false;
  for (const int threads : {1, 4}) {
    EXPECT_EQ(
        searchsorted(plain, view_of(wanted), true, cancelled.execution(threads), out.data(), bad),
        Outcome::cancelled);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
