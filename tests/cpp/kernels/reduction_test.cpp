// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Reductions along axes: every layout, path and number of threads gives the bits that a single line
// by itself has.
#include "nativeconc/kernels/reduction.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "every_path.hpp"
#include "nativeconc/kernels/extremes.hpp"
#include "nativeconc/kernels/mean.hpp"
#include "nativeconc/kernels/sum.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

struct Shape {
  std::vector<std::int64_t> extents;
  std::vector<std::int64_t> strides;  // in elements
};

ArrayView view_of(const std::vector<double>& data, const Shape& shape) {
  ArrayView view;
  view.data = data.data();
  view.ndim = static_cast<int>(shape.extents.size());
  for (std::size_t i = 0; i < shape.extents.size(); ++i) {
    view.shape[i] = shape.extents[i];
    view.strides[i] = shape.strides[i] * 8;
  }
  return view;
}

std::vector<double> numbers(std::size_t n) {
  std::mt19937_64 random(n);
  std::normal_distribution<double> normal;
  std::vector<double> a(n);
  for (double& x : a) x = normal(random) * std::exp2(static_cast<double>(random() % 40));
  return a;
}

using Reduce = Outcome (*)(const ArrayView&, AxisSet, const Execution&, void*);

Outcome mean_along(const ArrayView& a, AxisSet axes, const Execution& execution, void* out) {
  bool too_few = false;
  return mean(a, axes, {}, execution, out, &too_few);
}
Outcome variance_along(const ArrayView& a, AxisSet axes, const Execution& execution, void* out) {
  bool too_few = false;
  return variance(a, axes, {}, execution, out, &too_few);
}
Outcome largest_along(const ArrayView& a, AxisSet axes, const Execution& execution, void* out) {
  bool all_nan = false;
  return extreme(a, axes, {true, false}, execution, out, &all_nan);
}

// Of a matrix: each line copied out and reduced alone.
std::vector<double> one_by_one(const std::vector<double>& data, const Shape& shape, int axis,
                               Reduce reduce) {
  const auto along = static_cast<std::size_t>(axis);
  const std::size_t across = 1 - along;
  std::vector<double> results;
  for (std::int64_t i = 0; i < shape.extents[across]; ++i) {
    std::vector<double> line;
    for (std::int64_t k = 0; k < shape.extents[along]; ++k) {
      const std::int64_t place = i * shape.strides[across] + k * shape.strides[along];
      line.push_back(data[static_cast<std::size_t>(place)]);
    }
    double result = 0.0;
    const Shape alone{{static_cast<std::int64_t>(line.size())}, {1}};
    EXPECT_EQ(reduce(view_of(line, alone), 1, {}, &result), Outcome::done);
    results.push_back(result);
  }
  return results;
}

void expect_same_bits(const std::vector<double>& x, const std::vector<double>& y) {
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(x[i]), std::bit_cast<std::uint64_t>(y[i])) << i;
  }
}

TEST(Reduction, EveryLineIsReducedAsIfItWereAlone) {
  const Shape shapes[] = {
      {{3, 700}, {700, 1}},    // long rows
      {{700, 3}, {3, 1}},      // close columns
      {{700, 70}, {70, 1}},    // more columns than are read at once
      {{40, 300}, {300, 1}},   // short columns
      {{700, 3}, {9, 1}},      // columns with gaps
      {{700, 20}, {40, 2}},    // columns that are not dense
      {{30, 90}, {1, 30}},     // Fortran order
      {{5, 4}, {4, 1}},        // few of everything
      {{140'000, 2}, {2, 1}},  // more than one piece
      {{2, 140'000}, {140'000, 1}},
  };
  const std::vector<double> data = numbers(300'000);
  for (const Reduce reduce :
       {Reduce{&sum}, Reduce{&nansum}, &mean_along, &variance_along, &largest_along}) {
    for (const Shape& shape : shapes) {
      for (const int axis : {0, 1}) {
        const std::vector<double> expected = one_by_one(data, shape, axis, reduce);
        on_every_path([&](const Execution& execution) {
          std::vector<double> found(expected.size());
          const AxisSet along = AxisSet{1} << axis;
          EXPECT_EQ(reduce(view_of(data, shape), along, execution, found.data()), Outcome::done);
          expect_same_bits(found, expected);
        });
      }
    }
  }
}

TEST(Reduction, NoAxesLeaveEveryElementAsItIs) {
  const std::vector<double> data = numbers(60);
  std::vector<double> found(60);
  EXPECT_EQ(sum(view_of(data, {{6, 10}, {10, 1}}), 0, {}, found.data()), Outcome::done);
  expect_same_bits(found, data);
}

TEST(Reduction, OfEmptyLinesAndOfNoLines) {
  const std::vector<double> data;
  std::vector<double> found(3, 1.0);
  EXPECT_EQ(sum(view_of(data, {{0, 3}, {3, 1}}), 1, {}, found.data()), Outcome::done);
  expect_same_bits(found, {0.0, 0.0, 0.0});
  EXPECT_EQ(sum(view_of(data, {{3, 0}, {0, 1}}), 1, {}, found.data()), Outcome::done);
}

TEST(Reduction, CanBeCancelled) {
  const std::vector<double> data(400'000, 1.0);
  AlreadyCancelled cancelled;
  std::vector<double> found(2);
  for (const Reduce reduce : {Reduce{&sum}, &mean_along, &variance_along, &largest_along}) {
    for (const int threads : {1, 4}) {
      EXPECT_EQ(reduce(view_of(data, {{200'000, 2}, {2, 1}}), 1, cancelled.execution(threads),
                       found.data()),
                Outcome::cancelled);
    }
  }
}

TEST(Lines, AreNumberedInTheOrderOfTheKeptAxes) {
  const std::vector<double> data = numbers(24);
  const Lines lines(view_of(data, {{2, 3, 4}, {1, 8, 2}}), AxisSet{1} << 1);
  EXPECT_EQ(lines.count, 8);
  for (std::int64_t i = 0; i < 2; ++i) {
    for (std::int64_t k = 0; k < 4; ++k) EXPECT_EQ(lines.offset_of(i * 4 + k), (i + 2 * k) * 8);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
