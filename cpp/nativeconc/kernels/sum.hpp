// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sums along axes. Twin of numpy.sum and numpy.nansum.
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// Result: float64 for float64; float32 for float32, added up in double and rounded once; int64 for
// signed integers and bool, uint64 for unsigned ones, wrapping around as NumPy does. The empty sum
// is 0. A NaN comes out as the one positive quiet NaN.
//
// Accuracy. reduction.hpp has the tree of additions. An element passes at most
// d = 20 + ceil(log2(n / 512)) of them, n being the elements of a line, so with u = 2^-53
//     |result - exact| <= d u / (1 - d u) * sum |a_i|
// (Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2). NumPy's pairwise sum,
// with leaves of 128 in 8 running sums, has d = 18 + ceil(log2(n / 128)) on contiguous arrays: the
// same number; where its inner loop is short (other axis orders, many axes) it has much more. For
// float32 the same d holds with u = 2^-53, and one rounding of the result is added.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/lines.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// What a sum of such elements is.
Dtype sum_dtype(Dtype dtype);

// `out`: one element of sum_dtype for each line, in the order of Lines. Throws std::bad_alloc,
// before any work.
pool::Outcome sum(const ArrayView& a, AxisSet reduced, const pool::Execution& execution, void* out);

// The same, a NaN counting as nothing.
pool::Outcome nansum(const ArrayView& a, AxisSet reduced, const pool::Execution& execution,
                     void* out);

// A rough cost on one thread of reading a whole array once.
double reduction_estimated_ns(const ArrayView& a);

}  // namespace nativeconc::kernels
