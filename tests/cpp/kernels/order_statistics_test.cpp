// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/order_statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "every_path.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;
using Integers = std::vector<std::int64_t>;

ArrayView view_of(const Integers& a) {
  ArrayView view;
  view.data = a.data();
  view.dtype = Dtype::int64;
  view.ndim = 1;
  view.shape[0] = static_cast<std::int64_t>(a.size());
  view.strides[0] = 8;
  return view;
}

void check(const Integers& a) {
  Integers sorted = a;
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<std::int64_t>(a.size());
  Integers ranks = {0, 0, n / 7, n / 3, (n - 1) / 2, n / 2, n / 2 + 1, n - 1};
  for (std::int64_t& rank : ranks) rank = std::min(rank, n - 1);
  std::sort(ranks.begin(), ranks.end());
  Integers expected;
  for (const std::int64_t rank : ranks) expected.push_back(sorted[static_cast<std::size_t>(rank)]);
  for (const int threads : {1, 2, 3, 8, 64}) {
    Integers out(ranks.size());
    EXPECT_EQ(order_statistics(view_of(a), 0, ranks, {threads}, out.data()), Outcome::done);
    EXPECT_EQ(out, expected) << threads;
  }
}

TEST(OrderStatistics, AreThoseOfTheSortedArray) {
  for (const std::size_t n : {1UL, 2UL, 5UL, 1000UL, 65'536UL, 300'001UL, 1'000'000UL}) {
    std::mt19937_64 random(n);
    Integers a(n);
    for (auto& x : a) x = static_cast<std::int64_t>(random());
    check(a);
    for (auto& x : a) x %= 1000;
    check(a);
    for (std::size_t i = 0; i < n; ++i) a[i] += static_cast<std::int64_t>(i % 3) << 60;
    check(a);
    std::fill(a.begin(), a.end(), 7);
    check(a);
  }
}

TEST(OrderStatistics, CanBeCancelled) {
  const Integers a(1'000'000, 1);
  const Integers ranks = {5};
  std::int64_t out = 0;
  AlreadyCancelled cancelled;
  for (const int threads : {1, 4}) {
    EXPECT_EQ(order_statistics(view_of(a), 0, ranks, cancelled.execution(threads), &out),
              Outcome::cancelled);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
