// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// unique and isin.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "every_path.hpp"
#include "nativeconc/kernels/isin.hpp"
#include "nativeconc/kernels/unique.hpp"

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

Integers numbers(std::size_t n, std::uint64_t values, int shift) {
  std::mt19937_64 random(n + values);
  Integers out(n);
  for (auto& x : out) x = static_cast<std::int64_t>(random() % values << shift);
  return out;
}

void check_unique(const Integers& a) {
  std::map<std::int64_t, Integers> places;
  for (std::size_t i = 0; i < a.size(); ++i) {
    places[a[i]].push_back(static_cast<std::int64_t>(i));
  }
  Integers values, index, inverse(a.size()), counts;
  for (const auto& [value, where] : places) {
    for (const std::int64_t i : where) {
      inverse[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(values.size());
    }
    values.push_back(value);
    index.push_back(where.front());
    counts.push_back(static_cast<std::int64_t>(where.size()));
  }
  for (const int threads : {1, 2, 3, 8, 64}) {
    for (const bool more : {false, true}) {
      Integers out[4];
      for (Integers& each : out) each.resize(a.size());
      UniqueResults results;
      results.values = out[0].data();
      results.index = more ? out[1].data() : nullptr;
      results.inverse = more ? out[2].data() : nullptr;
      results.counts = out[3].data();
      EXPECT_EQ(unique(view_of(a), true, {threads}, results), Outcome::done);
      for (const int i : {0, 1, 3}) out[i].resize(static_cast<std::size_t>(results.n_unique));
      EXPECT_EQ(out[0], values);
      EXPECT_EQ(out[3], counts);
      if (more) {
        EXPECT_EQ(out[1], index);
        EXPECT_EQ(out[2], inverse);
      }
    }
  }
}

TEST(Unique, FindsEachValueOnce) {
  for (const std::size_t n : {0UL, 1UL, 2UL, 1000UL, 65'536UL, 65'537UL, 300'000UL}) {
    check_unique(numbers(n, 10, 0));
    check_unique(numbers(n, 100'000, 20));
  }
}

void check_isin(const Integers& a, const Integers& tests) {
  const std::set<std::int64_t> there(tests.begin(), tests.end());
  for (const int threads : {1, 2, 3, 8, 64}) {
    for (const bool invert : {false, true}) {
      const auto found = std::make_unique<bool[]>(a.size() + 1);
      EXPECT_EQ(isin(view_of(a), view_of(tests), invert, {threads}, found.get()), Outcome::done);
      for (std::size_t i = 0; i < a.size(); ++i) {
        ASSERT_EQ(found[i], (there.count(a[i]) > 0) != invert) << i;
      }
    }
  }
}

TEST(Isin, FindsWhatIsThere) {
  for (const int shift : {0, 40}) {
    check_isin(numbers(100'000, 200'000, shift), numbers(70'000, 200'001, shift));
    check_isin(numbers(100, 200, shift), numbers(1, 200, shift));
    check_isin(numbers(100, 200, shift), {});
    check_isin({}, numbers(100, 200, shift));
  }
  const Integers edges = {0, -1, INT64_MIN, INT64_MAX, 1};
  check_isin(edges, edges);
  check_isin(edges, {INT64_MIN, INT64_MAX});
}

TEST(Sets, CanBeCancelled) {
  const Integers a = numbers(500'000, 1'000'000, 30);
  Integers out(a.size());
  const auto found = std::make_unique<bool[]>(a.size());
  AlreadyCancelled cancelled;
  for (const int threads : {1, 4}) {
    UniqueResults results;
    results.values = out.data();
    EXPECT_EQ(unique(view_of(a), true, cancelled.execution(threads), results), Outcome::cancelled);
    EXPECT_EQ(isin(view_of(a), view_of(a), false, cancelled.execution(threads), found.get()),
              Outcome::cancelled);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
