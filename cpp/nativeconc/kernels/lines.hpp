// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// An array seen by a reduction along some of its axes: lines, each of which becomes one element of
// the result, and how these lie beside one another.
//
// Plain values and pure functions; any thread. The array's memory is only read.
//
// A line is a StridedWalk over the reduced axes: its elements have one order, which depends on
// shape and axis order alone. The kept axes, in the order of the array's axes, number the lines
// (the last one fastest), and the result is C-contiguous in these numbers.
#pragma once

#include <array>
#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/strided_walk.hpp"

namespace nativeconc::kernels {

// Bit i stands for axis i.
using AxisSet = std::uint64_t;

constexpr AxisSet all_axes(int ndim) { return ndim == 64 ? ~AxisSet{0} : (AxisSet{1} << ndim) - 1; }

struct Lines {
  StridedWalk line;  // line number 0
  std::int64_t count = 1;

  // The kept axes; neighbours that together are evenly spaced are joined into one.
  int ndim = 0;
  std::array<std::int64_t, ArrayView::kMaxDims> shape{};
  std::array<std::int64_t, ArrayView::kMaxDims> strides{};

  // The kept axis whose elements lie closest together, if they lie closer than those of a line:
  // then lines are better read side by side, as columns. -1 if not.
  int column_axis = -1;

  Lines(const ArrayView& a, AxisSet reduced);

  std::int64_t offset_of(std::int64_t number) const;  // of a line's first element, in bytes
};

}  // namespace nativeconc::kernels
