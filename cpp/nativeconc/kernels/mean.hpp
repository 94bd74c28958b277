// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Means, variances and standard deviations along axes. Twin of numpy.mean, var, std, nanmean,
// nanvar and nanstd.
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// Result: float32 for float32, float64 for all else. Everything is added in double, in the tree of
// reduction.hpp, and rounded once at the end. The variance takes two passes: the means, then the
// squared deviations from them (Chan, Golub, LeVeque, "Algorithms for Computing the Sample
// Variance", 1983). A line without elements has the mean NaN. Variances divide by
// max(n - ddof, 0). A NaN comes out as the one positive quiet NaN.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/lines.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

Dtype mean_dtype(Dtype dtype);

struct MeanOptions {
  bool skip_nan = false;
  double ddof = 0.0;         // of a variance
  bool square_root = false;  // the standard deviation instead of the variance
};

// `out`: one element of mean_dtype for each line, in the order of Lines. *too_few: whether some
// line had too few elements (none; for a variance no more than ddof). Throws std::bad_alloc, before
// any work.
pool::Outcome mean(const ArrayView& a, AxisSet reduced, const MeanOptions& options,
                   const pool::Execution& execution, void* out, bool* too_few);
pool::Outcome variance(const ArrayView& a, AxisSet reduced, const MeanOptions& options,
                       const pool::Execution& execution, void* out, bool* too_few);

}  // namespace nativeconc::kernels
