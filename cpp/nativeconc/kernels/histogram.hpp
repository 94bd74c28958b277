// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How many elements, or what sum of weights, lie in each bin. Twin of numpy.histogram.
//
// Any thread, several at once, after fork. Inputs must not change meanwhile.
//
// Even bins: an element x from low to high gets the number trunc((x - first) / span * n), which is
// then put right by one where the edges say otherwise: NumPy's rule, in NumPy's types. Where no
// edge is near enough for rounding to matter, the number is computed in a quicker way, and is the
// same. Uneven bins: binary search. Each bin has its left edge and not its right one, except the
// last, which has both. Elements outside all bins are left out, and so is NaN. On the sums see
// bins.hpp.
//
// Invariant: counts are exact; sums of weights depend on values and order alone.
#pragma once

#include <span>

#include "nativeconc/kernels/bins.hpp"

namespace nativeconc::kernels {

struct EvenBins {
  std::span<const double> edges;  // rising, at least 2; whole numbers of single precision if single
  double span = 1.0;              // last edge - first, rounded as NumPy rounds it
  bool single = false;            // elements are compared and subtracted in float32
  bool single_quotient = false;   // and divided and multiplied in it too
  bool bounded = false;           // false: all elements lie in the bins
  double low_real = 0.0;          // the elements that are kept, for the float types
  double high_real = 0.0;
  std::int64_t low = 0;  // and for the others; for uint64, the bits of the number
  std::int64_t high = 0;
};

// Edges that do not fall. Elements are compared as numbers of the edges' type.
struct UnevenBins {
  Dtype dtype = Dtype::float64;  // float64, int64 or uint64
  const void* edges = nullptr;   // NaN is larger than all others
  std::int64_t n_edges = 0;      // at least 1
};

// `weights` may be null: then `out` gets int64 counts, else sums of the weights' type. With
// weights, both arrays are one-dimensional and of one size.
// Throws std::bad_alloc, before any work.
pool::Outcome histogram(const ArrayView& a, const EvenBins& bins, const ArrayView* weights,
                        const pool::Execution& execution, void* out);
pool::Outcome histogram(const ArrayView& a, const UnevenBins& bins, const ArrayView* weights,
                        const pool::Execution& execution, void* out);

double histogram_estimated_ns(const ArrayView& a, std::int64_t n_bins, bool even);

}  // namespace nativeconc::kernels
