// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A copy of an array in which the elements of given ranks are where a sort would put them, along an
// axis: smaller ones lie before, larger ones after.
//
// Any thread, several at once, after fork. If the array changes meanwhile the result is of no use,
// but no memory is damaged.
//
// The elements of these ranks (order_statistics.hpp) are the pivots. They divide all elements into
// classes: below the first, equal to it, between it and the second, and so on. Classes follow each
// other in that order; inside a class elements keep the order they came in. So the result is
// unique. With more than kMostPivots ranks it is the sorted array, which is a partition too.
#pragma once

#include <cstdint>
#include <span>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// ranks: rising, each from 0 to the length of the axis - 1. out: as many elements as a has, of its
// dtype; the lanes along the axis lie one after the other, in row-major order of the other axes.
// axis: from 0 to ndim - 1, or kFlat (row_major.hpp). Throws std::bad_alloc.
pool::Outcome partition(const ArrayView& a, int axis, std::span<const std::int64_t> ranks,
                        const pool::Execution& execution, void* out);

// A rough cost on one thread.
double partition_estimated_ns(const ArrayView& a, int axis, std::int64_t n_ranks);

}  // namespace nativeconc::kernels
