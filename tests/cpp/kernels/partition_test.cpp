// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/partition.hpp"

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

// Class by class, as the header says.
Integers expected_partition(const Integers& a, const Integers& ranks) {
  Integers sorted = a;
  std::sort(sorted.begin(), sorted.end());
  Integers pivots;
  for (const std::int64_t rank : ranks) pivots.push_back(sorted[static_cast<std::size_t>(rank)]);
  pivots.erase(std::unique(pivots.begin(), pivots.end()), pivots.end());
  std::vector<Integers> classes(2 * pivots.size() + 1);
  for (const std::int64_t x : a) {
    std::size_t number = 0;
    for (const std::int64_t pivot : pivots) {
      number += (x >= pivot ? 1U : 0U) + (x > pivot ? 1U : 0U);
    }
    classes[number].push_back(x);
  }
  Integers result;
  for (const Integers& each : classes) result.insert(result.end(), each.begin(), each.end());
  return result;
}

TEST(Partition, IsTheSameForAnyThreads) {
  for (const std::size_t n : {1UL, 2UL, 100UL, 70'000UL, 300'001UL}) {
    std::mt19937_64 random(n);
    Integers a(n);
    for (const std::int64_t kinds : {std::int64_t{1} << 40, std::int64_t{3}, std::int64_t{1}}) {
      for (auto& x : a) x = static_cast<std::int64_t>(random() >> 1) % kinds;
      const auto last = static_cast<std::int64_t>(n) - 1;
      for (const Integers& ranks : {Integers{last / 2}, Integers{0, last / 3, last}}) {
        const Integers expected = expected_partition(a, ranks);
        for (const int threads : {1, 3}) {
          Integers out(n);
          EXPECT_EQ(partition(view_of(a), 0, ranks, {threads}, out.data()), Outcome::done);
          EXPECT_EQ(out, expected) << n << " " << threads;
        }
      }
    }
  }
}

TEST(Partition, ByManyRanksSorts) {
  Integers a(5000);
  std::mt19937_64 random(1);
  for (auto& x : a) x = static_cast<std::int64_t>(random());
  const Integers ranks = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  Integers out(a.size());
  EXPECT_EQ(partition(view_of(a), 0, ranks, {2}, out.data()), Outcome::done);
  std::sort(a.begin(), a.end());
  EXPECT_EQ(out, a);
}

TEST(Partition, CanBeCancelled) {
  const Integers a(1'000'000, 1);
  const Integers ranks = {5};
  Integers out(a.size());
  AlreadyCancelled cancelled;
  for (const int threads : {1, 4}) {
    EXPECT_EQ(partition(view_of(a), 0, ranks, cancelled.execution(threads), out.data()),
              Outcome::cancelled);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
