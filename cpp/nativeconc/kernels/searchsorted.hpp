// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Where numbers would have to be put into a sorted array to keep it sorted. Twin of
// numpy.searchsorted(a, v, side, sorter).
//
// Any thread, several at once, after fork. The arrays must not change meanwhile.
//
// NaNs come last and are equal to one another. Binary search without branches: the number of steps
// depends on the size alone (Knuth, TAOCP 3, 6.2.1, algorithm U in Shar's form), so several
// searches go side by side and wait for memory together. Memory: none to speak of.
#pragma once

#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

struct SortedArray {
  ArrayView values;  // one dimension
  const unsigned char* order =
      nullptr;  // int64 indices that sort the values; null: they are sorted
  std::int64_t order_stride = 0;
};

// out: v.size() positions, in row-major order of v; both arrays have one dtype.
// right: behind the elements that are equal, rather than before them.
// bad_order: set if an index of the order that was looked at is out of range.
pool::Outcome searchsorted(const SortedArray& a, const ArrayView& v, bool right,
                           const pool::Execution& execution, std::int64_t* out, bool& bad_order);

// A rough cost on one thread.
double searchsorted_estimated_ns(const ArrayView& a, const ArrayView& v);

}  // namespace nativeconc::kernels
