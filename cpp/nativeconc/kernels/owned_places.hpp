// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Adds numbers at given places, in the order in which they are given, on several threads: each part
// owns a range of the places, reads all of the input, and does only what falls in its range. So at
// each place the additions happen in the order of the input, as on one thread, whatever the number
// of parts.
//
// Any thread. Invariant: the ranges are disjoint and cover all places.
#pragma once

#include <array>
#include <bit>

#include "nativeconc/kernels/block_visit.hpp"
#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {

// How many parts are worth it. Reading all of the input costs each part about as much as the
// additions do where the places fit the nearer caches: then one part is best. (Measured on two
// cores.)
inline int parts_for(std::int64_t n_places, int threads) {
  constexpr std::int64_t kManyPlaces = 1 << 16;
  constexpr int kMost = 8;  // OwnedRanges::kMostParts; more would read the input too often
  return n_places > kManyPlaces && threads >= 4 ? std::min(threads, kMost) : 1;
}

// Part p owns the places from low(p) to high(p) - 1.
struct OwnedRanges {
  static constexpr int kMostParts = 8;

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
  ranges.n_parts = parts_for(n_places, threads);
  const auto n_parts = static_cast<std::size_t>(ranges.n_parts);
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
  ranges.bounds[n_parts] = n_places;
  return ranges;
}

namespace detail {

// For each byte of flags: the numbers of the flags that are set.
constexpr auto kSetFlags = [] {
  std::array<std::array<std::uint16_t, 8>, 256> table{};
  for (unsigned flags = 0; flags < 256; ++flags) {
    std::size_t count = 0;
    for (std::uint16_t i = 0; i < 8; ++i) {
      if ((flags >> i & 1) != 0) table[flags][count++] = i;
    }
  }
  return table;
}();

}  // namespace detail

// Lists which of a block's n <= kBlock places lie in [low, high). `own` has room for kBlock + 8.
struct OwnElements {
  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const unsigned char* places, std::int64_t n,
                                        std::int64_t low, std::int64_t high, std::uint16_t* own,
                                        std::int64_t& n_own) {
    constexpr int kWidth = kBytes / 8;
    using Places = Lanes<std::int64_t, kWidth>;
    using Flags = Lanes<std::int8_t, kWidth>;
    using Eight = Lanes<std::uint16_t, 8>;
    Places least, end;
    broadcast(low, least);
    broadcast(high, end);
    std::int64_t count = 0;
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
      std::uint64_t bytes = 0;
      for (int part = 0; part < 8 / kWidth; ++part) {
        Places place;
        load(places + (i + part * kWidth) * 8, place);
        const Places inside = (place >= least) & (place < end);
        const Flags flags = __builtin_convertvector(inside, Flags);
        std::uint64_t some = 0;
        __builtin_memcpy(&some, &flags, kWidth);
        bytes |= some << (part * kWidth * 8 % 64);
      }
      // Brings the lowest bit of each byte together in the highest byte.
      const std::uint64_t bits = (bytes & 0x0101010101010101U) * 0x0102040810204080U >> 56;
      Eight numbers, base;
      load(&detail::kSetFlags[bits], numbers);
      broadcast(static_cast<std::uint16_t>(i), base);
      numbers += base;
      store(numbers, own + count);
      count += std::popcount(bits);
    }
    for (; i < n; ++i) {
      std::int64_t place;
      __builtin_memcpy(&place, places + i * 8, 8);
      own[count] = static_cast<std::uint16_t>(i);
      count += place >= low && place < high ? 1 : 0;
    }
    n_own = count;
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body,
                         (const unsigned char* places, std::int64_t n, std::int64_t low,
                          std::int64_t high, std::uint16_t* own, std::int64_t& n_own),
                         (places, n, low, high, own, n_own));
};

}  // namespace nativeconc::kernels
