// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The elements of a strided array in row-major order, with one axis moved to the end: the "lanes"
// along that axis lie one after the other.
//
// Plain values; any thread. The array's memory is only read. Invariant: neighbouring axes that
// together are evenly spaced are joined into one, so a contiguous array is a single row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/order_keys.hpp"

namespace nativeconc::kernels {

// Instead of an axis: all elements as one lane.
constexpr int kFlat = -1;

// axis: from 0 to ndim - 1, or kFlat.
inline std::int64_t lane_length(const ArrayView& view, int axis) {
  return axis == kFlat ? view.size() : view.shape[static_cast<std::size_t>(axis)];
}

class RowMajor {
 public:
  explicit RowMajor(const ArrayView& view, int axis = kFlat)
      : data_(static_cast<const unsigned char*>(view.data)), size_(view.size()) {
    for (int i = 0; i < view.ndim; ++i) {
      if (i != axis) add_axis(view, i);
    }
    if (axis != kFlat) add_axis(view, axis);
  }

  std::int64_t size() const { return size_; }

  // use(i, value) for element first + i, for i from 0 to count - 1. They must exist.
  template <class T, class Use>
  void visit(std::int64_t first, std::int64_t count, const Use& use) const {
    const std::int64_t row_length = ndim_ == 0 ? 1 : shape_[last()];
    const std::int64_t stride = ndim_ == 0 ? 0 : strides_[last()];
    std::int64_t row = first / row_length;
    std::int64_t column = first % row_length;
    for (std::int64_t done = 0; done < count; ++row, column = 0) {
      const unsigned char* const address = row_begin(row) + column * stride;
      const std::int64_t here = std::min(count - done, row_length - column);
      if (stride == static_cast<std::int64_t>(sizeof(T))) {
        for (std::int64_t i = 0; i < here; ++i) {
          use(done + i, element_at<T>(address + i * static_cast<std::int64_t>(sizeof(T))));
        }
      } else {
        for (std::int64_t i = 0; i < here; ++i) {
          use(done + i, element_at<T>(address + i * stride));
        }
      }
      done += here;
    }
  }

  // Element i, which must exist.
  template <class T>
  T at(std::int64_t i) const {
    if (ndim_ <= 1) return element_at<T>(data_ + (ndim_ == 0 ? 0 : i * strides_[0]));
    return element_at<T>(row_begin(i / shape_[last()]) + i % shape_[last()] * strides_[last()]);
  }

 private:
  std::size_t last() const { return static_cast<std::size_t>(ndim_) - 1; }

  void add_axis(const ArrayView& view, int axis) {
    const std::int64_t extent = view.shape[static_cast<std::size_t>(axis)];
    const std::int64_t stride = view.strides[static_cast<std::size_t>(axis)];
    if (extent == 1) return;
    if (ndim_ > 0 && strides_[last()] == stride * extent) {
      shape_[last()] *= extent;
      strides_[last()] = stride;
      return;
    }
    ++ndim_;
    shape_[last()] = extent;
    strides_[last()] = stride;
  }

  const unsigned char* row_begin(std::int64_t row) const {
    const unsigned char* address = data_;
    for (int i = ndim_ - 2; i >= 0 && row > 0; --i) {
      const auto axis = static_cast<std::size_t>(i);
      address += row % shape_[axis] * strides_[axis];
      row /= shape_[axis];
    }
    return address;
  }

  const unsigned char* data_;
  std::int64_t size_;
  int ndim_ = 0;
  std::array<std::int64_t, ArrayView::kMaxDims> shape_;
  std::array<std::int64_t, ArrayView::kMaxDims> strides_;
};

}  // namespace nativeconc::kernels
