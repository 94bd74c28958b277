// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The elements of given ranks, along an axis: what a median and quantiles are made of.
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// NaNs rank last. Long lanes are looked at once, most of the time (bracket_selection.hpp), and if
// that fails, or for elements of one or two bytes, by counting (cell_selection.hpp). Short ones are
// copied, and selected from by Hoare's FIND (CACM 4, 1961).
// Memory: at most as much as one lane, and usually far less.
#pragma once

#include <cstdint>
#include <span>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// ranks: rising, each from 0 to the length of the axis - 1. out: for each lane, in row-major order
// of the other axes, the elements of these ranks, of a's dtype. axis: from 0 to ndim - 1, or kFlat
// (row_major.hpp). Of -0.0 and 0.0, -0.0 ranks first. Throws std::bad_alloc.
pool::Outcome order_statistics(const ArrayView& a, int axis, std::span<const std::int64_t> ranks,
                               const pool::Execution& execution, void* out);

// A rough cost on one thread.
double order_statistics_estimated_ns(const ArrayView& a);

}  // namespace nativeconc::kernels
