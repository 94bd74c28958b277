// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The sum of all elements of an array. Twin of numpy.sum(a).
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// Result: float64 for float64; float32 for float32, added up in double and rounded once; int64 for
// int32 and int64, wrapping around as NumPy does. The empty sum is 0. A NaN comes out as the one
// positive quiet NaN.
//
// Invariants. The tree of additions depends on the number of elements alone: leaves of 512 elements
// in the order of StridedWalk; in a leaf, 32 lanes each add every 32nd element in turn; the lanes
// are added l with l + 16, then l + 8, 4, 2, 1; the leaves' sums meet in a perfect binary tree
// (pairwise_tree.hpp). So threads, alignment, stride length and instruction set never change a bit.
//
// Accuracy. An element passes at most d = 20 + ceil(log2(n / 512)) additions, so with u = 2^-53
//     |result - exact| <= d u / (1 - d u) * sum |a_i|
// (Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2). NumPy's pairwise sum,
// with leaves of 128 in 8 running sums, has d = 18 + ceil(log2(n / 128)) on contiguous arrays: the
// same number; where its inner loop is short (other axis orders, many axes) it has much more. For
// float32 the same d holds with u = 2^-53, and one rounding of the result is added.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/scalar.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// Throws std::bad_alloc, before any work.
pool::Outcome sum(const ArrayView& a, const pool::Execution& execution, Scalar& out);

// A rough cost on one thread.
double sum_estimated_ns(const ArrayView& a);

}  // namespace nativeconc::kernels
