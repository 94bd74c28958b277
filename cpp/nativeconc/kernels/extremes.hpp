// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Smallest and largest elements along axes. Twin of numpy.min, max, nanmin and nanmax.
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// Result: the array's dtype. A line with a NaN has the extreme NaN (the one positive quiet NaN),
// unless NaNs are skipped and there is something else. Of a positive and a negative zero the one
// is found that comes first in the tree of reduction.hpp.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/lines.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

struct ExtremeOptions {
  bool largest = false;
  bool skip_nan = false;
};

// `out`: one element for each line, in the order of Lines. Lines must not be empty. *all_nan:
// whether NaNs were skipped and some line had nothing else. Throws std::bad_alloc, before any work.
pool::Outcome extreme(const ArrayView& a, AxisSet reduced, const ExtremeOptions& options,
                      const pool::Execution& execution, void* out, bool* all_nan);

}  // namespace nativeconc::kernels
