// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/lines.hpp"

#include <cstdlib>

namespace nativeconc::kernels {
namespace {

ArrayView only(const ArrayView& a, AxisSet axes) {
  ArrayView some;
  some.data = a.data;
  some.dtype = a.dtype;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.ndim); ++i) {
    if ((axes >> i & 1) == 0) continue;
    const auto place = static_cast<std::size_t>(some.ndim++);
    some.shape[place] = a.shape[i];
    some.strides[place] = a.strides[i];
  }
  return some;
}

}  // namespace

Lines::Lines(const ArrayView& a, AxisSet reduced) : line(only(a, reduced)) {
  const ArrayView kept = only(a, ~reduced);
  count = kept.size();
  if (count == 0) return;
  for (std::size_t i = 0; i < static_cast<std::size_t>(kept.ndim); ++i) {
    if (kept.shape[i] == 1) continue;
    const auto last = static_cast<std::size_t>(ndim) - 1;
    if (ndim > 0 && strides[last] == kept.strides[i] * kept.shape[i]) {
      shape[last] *= kept.shape[i];
      strides[last] = kept.strides[i];
    } else {
      shape[last + 1] = kept.shape[i];
      strides[last + 1] = kept.strides[i];
      ++ndim;
    }
  }
  if (line.ndim == 0) return;
  std::int64_t closest = std::abs(line.strides[static_cast<std::size_t>(line.ndim) - 1]);
  for (int axis = 0; axis < ndim; ++axis) {
    const std::int64_t stride = std::abs(strides[static_cast<std::size_t>(axis)]);
    if (stride == 0 || stride >= closest) continue;
    closest = stride;
    column_axis = axis;
  }
}

std::int64_t Lines::offset_of(std::int64_t number) const {
  std::int64_t offset = 0;
  for (auto axis = static_cast<std::size_t>(ndim); axis-- > 1;) {
    offset += number % shape[axis] * strides[axis];
    number /= shape[axis];
  }
  return ndim == 0 ? 0 : offset + number * strides[0];
}

}  // namespace nativeconc::kernels
