// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The order that sorts an array along an axis. Twin of numpy.argsort(a, axis, kind="stable").
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// NaNs come last and are equal to one another; -0.0 and 0.0 are equal; equal elements keep their
// order, so the result is unique. See radix_sort.hpp for how.
// Memory, for lanes from 65536 elements on: 12 bytes an element of a lane for types of 8 bytes, 8
// for smaller ones (16 for lanes of 2^32 elements or more); nothing to speak of else.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// out: a.size() indices along the axis, lane by lane: row-major with `axis` moved to the end. axis:
// from 0 to ndim - 1, or kFlat (row_major.hpp). Throws std::bad_alloc.
pool::Outcome argsort(const ArrayView& a, int axis, const pool::Execution& execution,
                      std::int64_t* out);

// The same in the way that lanes of 2^32 elements or more take, for tests.
pool::Outcome argsort_of_many(const ArrayView& a, int axis, const pool::Execution& execution,
                              std::int64_t* out);

// A rough cost on one thread.
double argsort_estimated_ns(const ArrayView& a);

}  // namespace nativeconc::kernels
