// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How often each number from 0 on occurs, or the sum of the weights that it occurs with. Twin of
// numpy.bincount.
//
// Any thread, several at once, after fork. Inputs must not change meanwhile.
//
// Invariants: counts are exact. At each number, weights are added up in double and in the order of
// the elements, beginning with 0.0: NumPy's own bits, whatever the number of threads.
//
// Memory beside the result: for counts, 4 bytes a number for each of up to 64 chunks, together less
// than half of the input or 1 MiB, whichever is more; for weights, nothing that grows.
#pragma once

#include <cstdlib>
#include <memory>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// Larger numbers could not have a count in memory.
constexpr std::int64_t kBincountLimit = std::int64_t{1} << 59;

struct Bincount {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::unique_ptr<void, Free> numbers;  // int64 counts, or double sums
  std::int64_t n = 0;
  bool negative = false;   // there is a negative element: no result
  bool too_large = false;  // there is one whose count could not be addressed: no result
};

// x and weights are one-dimensional and of one size; x has an integer type or bool. weights may be
// null. minlength >= 0. Elements from `limit` on may be found too large, so that no memory is asked
// for on their behalf.
// Throws std::bad_alloc.
pool::Outcome bincount(const ArrayView& x, const ArrayView* weights, std::int64_t minlength,
                       const pool::Execution& execution, Bincount& out,
                       std::int64_t limit = kBincountLimit);

double bincount_estimated_ns(const ArrayView& x, bool weighted, std::int64_t minlength);

}  // namespace nativeconc::kernels
