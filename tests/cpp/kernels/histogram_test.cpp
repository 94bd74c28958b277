// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "every_path.hpp"
#include "nativeconc/kernels/both_ends.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

ArrayView row_view(const void* data, Dtype dtype, std::int64_t n, std::int64_t stride = 0) {
  ArrayView view;
  view.data = data;
  view.dtype = dtype;
  view.ndim = 1;
  view.shape[0] = n;
  view.strides[0] = stride == 0 ? static_cast<std::int64_t>(size_of(dtype)) : stride;
  return view;
}

template <class T>
std::vector<T> random_numbers(std::size_t n) {
  std::mt19937_64 random(n);
  std::uniform_real_distribution<double> real(-1.0, 1.0);
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(real(random) * (sizeof(T) == 1 ? 100.0 : 1000.0));
  return out;
}

std::vector<double> even_edges(double low, double high, std::int64_t n) {
  std::vector<double> edges;
  for (std::int64_t i = 0; i <= n; ++i) {
    edges.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(n));
  }
  edges.back() = high;
  return edges;
}

// The bin of x, or -1.
std::int64_t place(double x, const std::vector<double>& edges) {
  if (!(x >= edges.front() && x <= edges.back())) return -1;
  const auto above = std::upper_bound(edges.begin(), edges.end(), x);
  const auto n = static_cast<std::int64_t>(edges.size()) - 1;
  return std::min(n, static_cast<std::int64_t>(above - edges.begin())) - 1;
}

template <class T>
std::vector<std::int64_t> model(const std::vector<T>& a, const std::vector<double>& edges) {
  std::vector<std::int64_t> counts(edges.size() - 1, 0);
  for (const T x : a) {
    const std::int64_t bin = place(static_cast<double>(x), edges);
    if (bin >= 0) ++counts[static_cast<std::size_t>(bin)];
  }
  return counts;
}

EvenBins even_bins(const std::vector<double>& edges) {
  EvenBins bins;
  bins.edges = edges;
  bins.span = edges.back() - edges.front();
  bins.bounded = true;
  bins.low_real = edges.front();
  bins.high_real = edges.back();
  bins.low = static_cast<std::int64_t>(edges.front());
  bins.high = static_cast<std::int64_t>(edges.back());
  return bins;
}

template <class T>
void counts_right(Dtype dtype, std::size_t n, std::int64_t n_bins) {
  const std::vector<T> a = random_numbers<T>(n);
  const std::vector<double> edges = even_edges(-80.0, 90.0, n_bins);
  const std::vector<std::int64_t> expected = model(a, edges);
  UnevenBins uneven;
  uneven.edges = edges.data();
  uneven.n_edges = static_cast<std::int64_t>(edges.size());
  on_every_path([&](const Execution& execution) {
    const ArrayView view = row_view(a.data(), dtype, static_cast<std::int64_t>(n));
    std::vector<std::int64_t> counts(expected.size(), -1);
    ASSERT_EQ(histogram(view, even_bins(edges), nullptr, execution, counts.data()), Outcome::done);
    EXPECT_EQ(counts, expected);
    std::fill(counts.begin(), counts.end(), -1);
    ASSERT_EQ(histogram(view, uneven, nullptr, execution, counts.data()), Outcome::done);
    EXPECT_EQ(counts, expected);
  });
}

TEST(Histogram, CountsOnEveryPath) {
  for (const std::size_t n : {0, 1, 17, 1025, 300'001}) {
    for (const std::int64_t n_bins : {1, 10, 5000}) {
      counts_right<double>(Dtype::float64, n, n_bins);
      counts_right<float>(Dtype::float32, n, n_bins);
      counts_right<std::int64_t>(Dtype::int64, n, n_bins);
      counts_right<std::int8_t>(Dtype::int8, n, n_bins);
    }
  }
}

TEST(Histogram, LeavesOutNanAndWhatIsOutside) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> a = {nan, -inf, inf, -0.1, 0.0, 0.5, 1.0, 1.1, -nan};
  const std::vector<double> edges = even_edges(0.0, 1.0, 2);
  on_every_path([&](const Execution& execution) {
    std::vector<std::int64_t> counts(2);
    const ArrayView view = row_view(a.data(), Dtype::float64, 9);
    ASSERT_EQ(histogram(view, even_bins(edges), nullptr, execution, counts.data()), Outcome::done);
    EXPECT_EQ(counts, (std::vector<std::int64_t>{1, 2}));
  });
}

TEST(Histogram, AddsWeightsInBlocks) {
  constexpr std::size_t kN = 200'003;
  const std::vector<double> a = random_numbers<double>(kN);
  const std::vector<float> w = random_numbers<float>(kN);
  const std::vector<double> edges = even_edges(-1000.0, 1000.0, 7);
  std::vector<float> expected(7, 0.0F);
  for (std::size_t first = 0; first < kN; first += 65536) {
    std::vector<double> sums(7, 0.0);
    for (std::size_t i = first; i < std::min(kN, first + 65536); ++i) {
      sums[static_cast<std::size_t>(place(a[i], edges))] += static_cast<double>(w[i]);
    }
    for (std::size_t bin = 0; bin < 7; ++bin) expected[bin] += static_cast<float>(sums[bin]);
  }
  const ArrayView weights = row_view(w.data(), Dtype::float32, kN);
  on_every_path([&](const Execution& execution) {
    std::vector<float> sums(7);
    ASSERT_EQ(histogram(row_view(a.data(), Dtype::float64, kN), even_bins(edges), &weights,
                        execution, sums.data()),
              Outcome::done);
    EXPECT_EQ(sums, expected);
  });
}

TEST(Histogram, TakesAnyStrideAndAlignment) {
  constexpr std::int64_t kN = 10'000;
  const std::vector<double> a = random_numbers<double>(kN);
  const std::vector<double> edges = even_edges(-500.0, 500.0, 11);
  for (const std::int64_t stride : {8, 9, 24}) {
    std::vector<unsigned char> memory(static_cast<std::size_t>(kN * stride + 16));
    for (std::int64_t i = 0; i < kN; ++i) {
      std::memcpy(memory.data() + 1 + i * stride, &a[static_cast<std::size_t>(i)], 8);
    }
    on_every_path([&](const Execution& execution) {
      std::vector<std::int64_t> counts(11);
      const ArrayView view = row_view(memory.data() + 1, Dtype::float64, kN, stride);
      ASSERT_EQ(histogram(view, even_bins(edges), nullptr, execution, counts.data()),
                Outcome::done);
      EXPECT_EQ(counts, model(a, edges));
    });
  }
}

TEST(Histogram, CanBeCancelled) {
  const std::vector<double> a(1'000'000, 1.0);
  const std::vector<double> edges = even_edges(0.0, 2.0, 3);
  std::vector<std::int64_t> counts(3);
  AlreadyCancelled cancelled;
  const ArrayView view = row_view(a.data(), Dtype::float64, 1'000'000);
  for (const int threads : {1, 4}) {
    EXPECT_EQ(
        histogram(view, even_bins(edges), nullptr, cancelled.execution(threads), counts.data()),
        Outcome::cancelled);
  }
}

TEST(Extremes, AreExactOnEveryPath) {
  for (const std::size_t n : {1, 3, 33, 1025, 300'001}) {
    const std::vector<float> a = random_numbers<float>(n);
    const std::vector<std::int8_t> b = random_numbers<std::int8_t>(n);
    on_every_path([&](const Execution& execution) {
      const auto size = static_cast<std::int64_t>(n);
      Extremes ends;
      ASSERT_EQ(extremes(row_view(a.data(), Dtype::float32, size), execution, ends), Outcome::done);
      EXPECT_EQ(ends.low_real, static_cast<double>(*std::min_element(a.begin(), a.end())));
      EXPECT_EQ(ends.high_real, static_cast<double>(*std::max_element(a.begin(), a.end())));
      ASSERT_EQ(extremes(row_view(b.data(), Dtype::int8, size), execution, ends), Outcome::done);
      EXPECT_EQ(ends.low, *std::min_element(b.begin(), b.end()));
      EXPECT_EQ(ends.high, *std::max_element(b.begin(), b.end()));
    });
  }
}

TEST(Extremes, AreNanIfAnElementIs) {
  std::vector<double> a(5000, 1.0);
  for (const std::size_t place : {0, 777, 4999}) {
    a[place] = std::numeric_limits<double>::quiet_NaN();
    on_every_path([&](const Execution& execution) {
      Extremes ends;
      ASSERT_EQ(extremes(row_view(a.data(), Dtype::float64, 5000), execution, ends), Outcome::done);
      EXPECT_NE(ends.low_real, ends.low_real);
      EXPECT_NE(ends.high_real, ends.high_real);
    });
    a[place] = 1.0;
  }
}

}  // namespace
}  // namespace nativeconc::kernels
