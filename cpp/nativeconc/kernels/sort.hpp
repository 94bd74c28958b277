// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A sorted copy of an array along an axis. Twin of numpy.sort(a, axis, kind="stable").
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// NaNs come last; -0.0 and 0.0 are equal; equal elements (of which zeros and NaNs alone can differ
// in their bits) keep their order, so the result is unique. See radix_sort.hpp for how.
// Memory: as much again as one lane, for lanes from 65536 elements on; nothing to speak of else,
// and for types of one or two bytes.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// out: a.size() elements of a's dtype, the sorted lanes one after the other: row-major with `axis`
// moved to the end. axis: from 0 to ndim - 1, or kFlat (row_major.hpp). Throws std::bad_alloc.
pool::Outcome sort(const ArrayView& a, int axis, const pool::Execution& execution, void* out);

// A rough cost on one thread.
double sort_estimated_ns(const ArrayView& a, int axis);

}  // namespace nativeconc::kernels
