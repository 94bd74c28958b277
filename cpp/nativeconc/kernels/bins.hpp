// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Counts elements, or adds up weights, bin by bin, once something says which bin an element is in.
//
// Any thread, several at once, after fork. Inputs must not change meanwhile.
//
// Invariants. Counts are exact. Weights are added as numpy.histogram adds them: blocks of 65536
// elements, each block's weights of one bin in the order of the elements beginning with 0.0, and
// the blocks' sums in their order. So neither threads nor memory layout change a bit.
// Memory: counts take at most 4 bytes a bin for each of up to 64 chunks, and less than the larger
// of the input and 1 MiB (but at least one such row); weights 8 bytes a bin for each block of a
// wave: 16 MiB, or 4 such rows.
#pragma once

#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// Says for a block of elements in which bin each one is.
class BinFinder {
 public:
  static constexpr std::int64_t kMaxBins = (std::int64_t{1} << 31) - 16;
  // find() may write so many more places than there are elements.
  static constexpr std::int64_t kSlack = 16;

  explicit BinFinder(std::int64_t n_bins) : n_bins_(n_bins) {}
  virtual ~BinFinder() = default;
  BinFinder(const BinFinder&) = delete;
  BinFinder& operator=(const BinFinder&) = delete;

  std::int64_t n_bins() const { return n_bins_; }

  // block: n <= kBlock elements of the array. bins: 0 .. n_bins - 1, or n_bins for "in none".
  virtual void find(const unsigned char* block, std::int64_t n, std::int32_t* bins) const = 0;

 private:
  std::int64_t n_bins_;
};

// Throws std::bad_alloc, before any work. counts: n_bins numbers.
pool::Outcome count_bins(const ArrayView& a, const BinFinder& finder,
                         const pool::Execution& execution, std::int64_t* counts);

// How weights of an integer or float32 type become sums of the same type.
enum class Rounding {
  each_block,  // a block's sum is a double, made a number of the weights' type, and added as such
  at_the_end,  // integers are added exactly, modulo their size; floats in double, rounded once
};

// a and weights are one-dimensional and of one size. sums: n_bins numbers of the weights' type.
// Throws std::bad_alloc, before any work.
pool::Outcome weigh_bins(const ArrayView& a, const ArrayView& weights, const BinFinder& finder,
                         Rounding rounding, const pool::Execution& execution, void* sums);

}  // namespace nativeconc::kernels
