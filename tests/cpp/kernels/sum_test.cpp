// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/sum.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "every_path.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

template <class T>
constexpr Dtype kDtype = std::is_same_v<T, float>          ? Dtype::float32
                         : std::is_same_v<T, double>       ? Dtype::float64
                         : std::is_same_v<T, std::int32_t> ? Dtype::int32
                                                           : Dtype::int64;

template <class T>
ArrayView vector_view(const void* data, std::int64_t n, std::int64_t stride = sizeof(T)) {
  ArrayView view;
  view.data = data;
  view.dtype = kDtype<T>;
  view.ndim = 1;
  view.shape[0] = n;
  view.strides[0] = stride;
  return view;
}

// The sum of all elements, whatever its type.
struct Total {
  Dtype dtype;
  double real = 0.0;
  std::int64_t integer = 0;
};

Total sum_of(const ArrayView& view, const Execution& execution = {}) {
  Total total{sum_dtype(view.dtype)};
  float single = 0.0F;
  void* out = &total.integer;
  if (total.dtype == Dtype::float64) out = &total.real;
  if (total.dtype == Dtype::float32) out = &single;
  EXPECT_EQ(sum(view, all_axes(view.ndim), execution, out), Outcome::done);
  if (total.dtype == Dtype::float32) total.real = static_cast<double>(single);
  return total;
}

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

// The tree of sum.hpp, written down a second time, one addition at a time.
double model(const std::vector<double>& a) {
  std::vector<double> level;
  for (std::size_t leaf = 0; leaf < a.size(); leaf += 512) {
    std::vector<double> lanes(32, -0.0);
    for (std::size_t i = leaf; i < std::min(a.size(), leaf + 512); ++i) lanes[i % 32] += a[i];
    for (std::size_t half = 16; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    level.push_back(lanes[0]);
  }
  while (level.size() > 1) {
    std::vector<double> next;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) next.push_back(level[i] + level[i + 1]);
    if (level.size() % 2 != 0) next.push_back(level.back());
    level = next;
  }
  return level.empty() ? 0.0 : level[0] + 0.0;
}

template <class T>
std::vector<T> random_numbers(std::size_t n) {
  std::mt19937_64 random(n);
  std::uniform_real_distribution<double> real(-1.0, 1.0);
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(real(random) * 1e9);
  return out;
}

constexpr std::int64_t kSizes[] = {1,   2,   31,  32,   33,    511,    512,    513,
                                   543, 544, 545, 1023, 65536, 131071, 131073, 400'001};

TEST(Sum, FollowsTheTreeOnEveryPath) {
  for (const std::int64_t n : kSizes) {
    const std::vector<double> a = random_numbers<double>(static_cast<std::size_t>(n));
    const double expected = model(a);
    on_every_path([&](const Execution& execution) {
      EXPECT_EQ(bits(sum_of(vector_view<double>(a.data(), n), execution).real), bits(expected))
          << n;
    });
  }
}

TEST(Sum, AddsFloat32InDoubleAndRoundsOnce) {
  for (const std::int64_t n : kSizes) {
    const std::vector<float> a = random_numbers<float>(static_cast<std::size_t>(n));
    const float expected = static_cast<float>(model({a.begin(), a.end()}));
    on_every_path([&](const Execution& execution) {
      const Total total = sum_of(vector_view<float>(a.data(), n), execution);
      EXPECT_EQ(total.dtype, Dtype::float32);
      EXPECT_EQ(bits(total.real), bits(static_cast<double>(expected))) << n;
    });
  }
}

TEST(Sum, AddsIntegersExactly) {
  const std::vector<std::int32_t> small = random_numbers<std::int32_t>(200'000);
  const std::vector<std::int64_t> large = random_numbers<std::int64_t>(200'000);
  std::int64_t small_total = 0;
  std::int64_t large_total = 0;
  for (const std::int32_t x : small) small_total += x;
  for (const std::int64_t x : large) large_total += x;
  on_every_path([&](const Execution& execution) {
    EXPECT_EQ(sum_of(vector_view<std::int32_t>(small.data(), 200'000), execution).integer,
              small_total);
    EXPECT_EQ(sum_of(vector_view<std::int64_t>(large.data(), 200'000), execution).integer,
              large_total);
  });
}

TEST(Sum, WrapsAroundLikeNumpy) {
  const std::vector<std::int64_t> a = {std::numeric_limits<std::int64_t>::max(), 1, 5};
  EXPECT_EQ(sum_of(vector_view<std::int64_t>(a.data(), 3)).integer,
            std::numeric_limits<std::int64_t>::min() + 5);
}

TEST(Sum, IsZeroForNoElements) {
  EXPECT_EQ(bits(sum_of(vector_view<double>(nullptr, 0)).real), bits(0.0));
  EXPECT_EQ(sum_of(vector_view<std::int32_t>(nullptr, 0)).dtype, Dtype::int64);
}

TEST(Sum, GivesAPositiveZero) {
  const std::vector<double> a(40, -0.0);
  EXPECT_EQ(bits(sum_of(vector_view<double>(a.data(), 40)).real), bits(0.0));
}

TEST(Sum, GivesOneNanForAllNans) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& a : {std::vector<double>{inf, -inf}, {-nan, 1.0}, {nan, inf}}) {
    on_every_path([&](const Execution& execution) {
      const auto n = static_cast<std::int64_t>(a.size());
      EXPECT_EQ(bits(sum_of(vector_view<double>(a.data(), n), execution).real), bits(nan));
    });
  }
}

TEST(Sum, OverflowsFloat32ToInfinity) {
  const std::vector<float> a(4, std::numeric_limits<float>::max());
  EXPECT_EQ(sum_of(vector_view<float>(a.data(), 4)).real, std::numeric_limits<double>::infinity());
}

TEST(Sum, GivesTheSameBitsAtAnyAlignmentAndStride) {
  constexpr std::int64_t kN = 140'000;
  const std::vector<double> a = random_numbers<double>(kN);
  const double expected = model(a);
  for (const std::int64_t stride : {8, 9, 16, 24}) {
    for (const std::int64_t offset : {0, 1, 4}) {
      std::vector<unsigned char> memory(static_cast<std::size_t>(kN * stride + 16));
      for (std::int64_t i = 0; i < kN; ++i) {
        std::memcpy(memory.data() + offset + i * stride, &a[static_cast<std::size_t>(i)], 8);
      }
      on_every_path([&](const Execution& execution) {
        const ArrayView view = vector_view<double>(memory.data() + offset, kN, stride);
        EXPECT_EQ(bits(sum_of(view, execution).real), bits(expected)) << stride << " " << offset;
      });
    }
  }
}

TEST(Sum, AddsAReversedArrayInItsOwnOrder) {
  std::vector<double> a = random_numbers<double>(10'000);
  const ArrayView reversed = vector_view<double>(a.data() + 9'999, 10'000, -8);
  const double total = sum_of(reversed).real;
  std::reverse(a.begin(), a.end());
  EXPECT_EQ(bits(total), bits(model(a)));
}

TEST(Sum, StaysWithinItsErrorBound) {
  for (const std::int64_t n : {1000, 100'000, 3'000'000}) {
    const std::vector<double> a = random_numbers<double>(static_cast<std::size_t>(n));
    long double exact = 0.0L;
    long double magnitude = 0.0L;
    for (const double x : a) {
      exact += static_cast<long double>(x);
      magnitude += std::fabs(static_cast<long double>(x));
    }
    const long double depth =
        20.0L + std::ceil(std::log2(std::max(1.0L, static_cast<long double>(n) / 512.0L)));
    const long double error =
        std::fabs(static_cast<long double>(sum_of(vector_view<double>(a.data(), n)).real) - exact);
    EXPECT_LE(error, depth * 0x1p-53L * magnitude);
  }
}

TEST(Sum, CanBeCancelled) {
  const std::vector<double> a(1'000'000, 1.0);
  AlreadyCancelled cancelled;
  double out = 0.0;
  const ArrayView view = vector_view<double>(a.data(), 1'000'000);
  EXPECT_EQ(sum(view, 1, cancelled.execution(1), &out), Outcome::cancelled);
  EXPECT_EQ(sum(view, 1, cancelled.execution(4), &out), Outcome::cancelled);
}

}  // namespace
}  // namespace nativeconc::kernels
