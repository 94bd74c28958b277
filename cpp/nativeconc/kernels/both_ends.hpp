// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The smallest and the largest element of an array, in one pass: what histograms and counts have
// to know before they begin.
//
// Any thread, several at once, after fork. The array must not change meanwhile.
// Invariants: the result is exact, so it does not depend on the order of the comparisons. If an
// element is NaN, both ends are. Booleans are seen as the bytes 0 and 1.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

struct Extremes {
  double low_real = 0.0;  // for the float types
  double high_real = 0.0;
  std::int64_t low = 0;  // for the others; for uint64, the bits of the number
  std::int64_t high = 0;
};

// The array has an element. Throws std::bad_alloc, before any work.
pool::Outcome extremes(const ArrayView& a, const pool::Execution& execution, Extremes& out);

double extremes_estimated_ns(const ArrayView& a);

}  // namespace nativeconc::kernels
