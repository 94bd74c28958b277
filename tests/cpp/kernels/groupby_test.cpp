// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/groupby.hpp"

#include <gtest/gtest.h>

#include <map>
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

Integers column_of(const WorkMemory<unsigned char>& memory, std::int64_t n) {
  const auto* const first = reinterpret_cast<const std::int64_t*>(memory.data());
  return Integers(first, first + n);
}

void check(const Integers& keys, const Integers& values) {
  std::map<std::int64_t, std::int64_t> expected;
  for (std::size_t row = 0; row < keys.size(); ++row) expected[keys[row]] += values[row];
  Integers expected_keys;
  Integers expected_sums;
  for (const auto& [key, sum] : expected) {
    expected_keys.push_back(key);
    expected_sums.push_back(sum);
  }
  for (const int threads : {1, 3}) {
    Groups groups;
    ASSERT_EQ(groupby(view_of(keys), view_of(values), Statistic::sum, {threads}, groups),
              Outcome::done);
    EXPECT_EQ(column_of(groups.keys, groups.n), expected_keys) << threads;
    EXPECT_EQ(column_of(groups.results, groups.n), expected_sums) << threads;
  }
}

// Ranges that are narrow, wide with few keys, and wide with many: each has a way of its own.
TEST(Groupby, SumsTheValuesOfEachKey) {
  for (const std::size_t n : {1UL, 1000UL, 300'001UL}) {
    std::mt19937_64 random(n);
    Integers keys(n);
    Integers values(n);
    for (auto& value : values) value = static_cast<std::int64_t>(random() % 1000) - 500;
    for (const std::int64_t kinds : {std::int64_t{10}, std::int64_t{100'000}}) {
      for (const std::int64_t apart : {std::int64_t{1}, std::int64_t{1} << 40}) {
        for (auto& key : keys) {
          key = (static_cast<std::int64_t>(random() >> 1) % kinds - kinds / 2) * apart;
        }
        check(keys, values);
      }
    }
  }
}

TEST(Groupby, OfNothingIsNothing) { check({}, {}); }

TEST(Groupby, CanBeCancelled) {
  Integers keys(1'000'000);
  for (const std::int64_t apart : {std::int64_t{1}, std::int64_t{1} << 40}) {
    for (std::size_t row = 0; row < keys.size(); ++row) {
      keys[row] = static_cast<std::int64_t>(row) * apart;
    }
    AlreadyCancelled cancelled;
    for (const int threads : {1, 4}) {
      Groups groups;
      EXPECT_EQ(groupby(view_of(keys), view_of(keys), Statistic::max, cancelled.execution(threads),
                        groups),
                Outcome::cancelled);
    }
  }
}

}  // namespace
}  // namespace nativeconc::kernels
