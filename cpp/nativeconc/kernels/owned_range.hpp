// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Adds numbers at given places, in the order in which they are given, on several threads: each part
// owns a range of the places, reads all of the input, and does only what falls in its range. So at
// each place the additions happen in the order of the input, as on one thread, whatever the parts.
//
// Any thread. Invariant: the ranges are disjoint and cover all places.
#pragma once

#include <array>

#include "nativeconc/kernels/block_visit.hpp"

namespace nativeconc::kernels {

// More parts than this read the input too often.
constexpr int kMostParts = 8;
// With fewer additions than this, one part does it all.
constexpr std::int64_t kPartsAbove = 1 << 15;

// Part p owns the places from bounds[p] to bounds[p + 1] - 1.
struct OwnedRanges {
  int n_parts = 1;
  std::array<std::int64_t, kMostParts + 1> bounds{};

  std::int64_t low(std::int64_t part) const { return bounds[static_cast<std::size_t>(part)]; }
  std::int64_t high(std::int64_t part) const { return bounds[static_cast<std::size_t>(part) + 1]; }
};

// Ranges that each get about the same share of a sample of the places: place(i) gives that of
// element i of `size`.
template <class Place>
OwnedRanges owned_ranges(std::int64_t size, std::int64_t n_places, int threads, Place&& place) {
  constexpr std::int64_t kSample = 1024;
  OwnedRanges ranges;
  ranges.n_parts = size < kPartsAbove ? 1 : std::clamp(threads, 1, kMostParts);
  const auto n_parts = static_cast<std::size_t>(ranges.n_parts);
  if (n_parts > 1) {
    std::array<std::int64_t, kSample> sample;
    // An odd step, so as not to fall in with a pattern in the input.
    const std::int64_t step = (size / kSample) | 1;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      sample[i] = place(static_cast<std::int64_t>(i) * step % size);
    }
    std::sort(sample.begin(), sample.end());
    for (std::size_t part = 1; part < n_parts; ++part) {
      ranges.bounds[part] = sample[sample.size() * part / n_parts];
    }
  }
  ranges.bounds[n_parts] = n_places;
  return ranges;
}

// Lists which elements of a block, n <= kBlock, have a place in [low, high). Returns how many.
template <class Place>
std::int64_t owned_elements(std::int64_t n, std::int64_t low, std::int64_t high, Place&& place,
                            std::int32_t* owned) {
  const auto width = static_cast<std::uint64_t>(high - low);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    owned[count] = static_cast<std::int32_t>(i);
    count += static_cast<std::uint64_t>(place(i) - low) < width ? 1 : 0;
  }
  return count;
}

}  // namespace nativeconc::kernels
