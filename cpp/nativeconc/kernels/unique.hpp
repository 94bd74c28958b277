// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The different elements of an array, sorted. Twin of numpy.unique(ar, return_index,
// return_inverse, return_counts, equal_nan=equal_nan).
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// Of elements that are equal the first in row-major order is taken (-0.0 and 0.0 are equal, and so
// are NaNs if equal_nan). By a sort; or, if indices are asked for, by a stable order.
// Memory, beside the results: what sort() takes, or what argsort() takes and 8 bytes an element;
// and once more the size of the values.
#pragma once

#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// Where the results go; null: not asked for. Each has room for as many as the array has elements;
// the first n_unique are written, except that `inverse` has one for each element.
struct UniqueResults {
  void* values = nullptr;
  std::int64_t* index = nullptr;    // of the first of each in the array
  std::int64_t* inverse = nullptr;  // for each element, which of the values it is
  std::int64_t* counts = nullptr;
  std::int64_t n_unique = 0;
};

// Throws std::bad_alloc.
pool::Outcome unique(const ArrayView& a, bool equal_nan, const pool::Execution& execution,
                     UniqueResults& results);

// A rough cost on one thread.
double unique_estimated_ns(const ArrayView& a, bool with_indices);

}  // namespace nativeconc::kernels
