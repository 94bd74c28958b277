// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The order in which a kernel visits the elements of a strided array, and the copying of stretches
// of it into contiguous memory.
//
// Plain values and pure functions; any thread. The array's memory is only read.
//
// The order: axes by falling |stride|, outermost first, as NumPy's iterator arranges them (so an
// array and its transpose, C and Fortran order, are visited alike). Axes of stride 0 are never
// moved past one another or past a neighbour on the ground of their stride: they keep their place.
// Along each axis the index rises, also where the stride is negative. So the order depends on the
// array's shape and on the order of its axes in memory, not on how long its strides are. Invariant:
// neighbouring axes that together are evenly spaced are joined into one.
#pragma once

#include <array>
#include <cstdint>

#include "nativeconc/base/array_view.hpp"

namespace nativeconc::kernels {

struct StridedWalk {
  const unsigned char* data = nullptr;
  std::int64_t size = 0;
  std::int64_t itemsize = 0;
  int ndim = 0;  // after joining; 0 for a single element
  std::array<std::int64_t, ArrayView::kMaxDims> shape{};
  std::array<std::int64_t, ArrayView::kMaxDims> strides{};

  explicit StridedWalk(const ArrayView& view);

  // Elements lie one after the other, from data on.
  bool is_contiguous() const { return ndim == 0 || (ndim == 1 && strides[0] == itemsize); }

  // Copies elements first .. first + count - 1 to `out`. They must exist.
  void gather(std::int64_t first, std::int64_t count, unsigned char* out) const;

  // Lists where these elements lie, as offsets from data.
  void list_offsets(std::int64_t first, std::int64_t count, std::int64_t* out) const;
};

}  // namespace nativeconc::kernels
