// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Adds a number to an element for each index, also where an index occurs more than once. Twin of
// numpy.add.at.
//
// Any thread, several at once on different targets, after fork. Inputs must not change meanwhile,
// and must not share memory with the target.
//
// Invariants: to each element the numbers are added in the order of the indices, whatever the
// number of threads, so the bits are NumPy's. Nothing is written if an index is out of range.
// A run that is stopped has changed nothing, if the target has at most four times as many elements
// as there are indices; it may have added some of the numbers if it has more.
//
// Memory: a copy of the target in the first of these cases (and for one number for all indices, the
// counts of bincount.hpp).
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

struct BadIndex {
  bool found = false;
  std::int64_t index = 0;  // the first one that is out of range
};

// target: one-dimensional, of any type, in memory that may be written. indices: one-dimensional
// int64, from -n to n - 1, counted from the end if negative. b: of the target's type, or float64
// for a float32 target (each sum is then computed in double and rounded); one number for all (0-d),
// or one for each index. Throws std::bad_alloc, before any writing.
pool::Outcome add_at(const ArrayView& target, const ArrayView& indices, const ArrayView& b,
                     const pool::Execution& execution, BadIndex& bad);

double add_at_estimated_ns(const ArrayView& target, const ArrayView& indices);

}  // namespace nativeconc::kernels
