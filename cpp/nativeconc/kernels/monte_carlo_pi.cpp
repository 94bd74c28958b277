// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/monte_carlo_pi.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "nativeconc/kernels/philox.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kSmallestChunk = 65'536;  // samples
constexpr std::int64_t kMostChunks = 65'536;     // beyond this, chunks grow instead
constexpr std::int64_t kBlock = 65'536;          // samples between two checks whether to stop

// The upper 53 bits of (high, low), as a fraction of 1. Exact: both halves are put into the
// mantissa of a power of two (2^84, 2^52), and the powers are taken away again.
template <class U64, class Real>
NATIVECONC_SIMD_BODY void to_fraction(const U64& low, const U64& high, Real& out) {
  constexpr std::uint64_t kTwo52 = 0x4330'0000'0000'0000;
  constexpr std::uint64_t kTwo84 = 0x4530'0000'0000'0000;
  const U64 bits = ((high << 32) | (low & 0xffffffffU)) >> 11;
  const U64 upper = (bits >> 32) | kTwo84;
  const U64 lower = (bits & 0xffffffffU) | kTwo52;
  Real upper_part;
  Real lower_part;
  __builtin_memcpy(&upper_part, &upper, sizeof upper_part);
  __builtin_memcpy(&lower_part, &lower, sizeof lower_part);
  out = ((upper_part - (0x1p84 + 0x1p52)) + lower_part) * 0x1p-53;
}

// How many of samples first .. first + count - 1 are inside; count is a multiple of the batch.
template <int kBytes>
NATIVECONC_SIMD_BODY void count_inside(std::uint64_t first, std::int64_t count, std::uint64_t seed,
                                       std::int64_t& inside) {
  constexpr int kWidth = kBytes / 8;
  using U64 = Lanes<std::uint64_t, kWidth>;
  using Real = Lanes<double, kWidth>;
  using Mask = Lanes<std::int64_t, kWidth>;
  const auto key_lo = static_cast<std::uint32_t>(seed);
  const auto key_hi = static_cast<std::uint32_t>(seed >> 32);

  U64 index{};
  for (int i = 0; i < kWidth; ++i) index[i] = first + static_cast<std::uint64_t>(i);
  Mask hits{};
  for (std::int64_t done = 0; done < count; done += kWidth) {
    PhiloxWords<U64> words{index, index >> 32, U64{}, U64{}};
    philox4x32_10(key_lo, key_hi, words);
    Real x;
    Real y;
    to_fraction(words.w0, words.w1, x);
    to_fraction(words.w2, words.w3, y);
    hits -= x * x + y * y < 1.0;
    index += static_cast<std::uint64_t>(kWidth);
  }
  inside = 0;
  for (int i = 0; i < kWidth; ++i) inside += hits[i];
}

NATIVECONC_SIMD_STRUCT(CountInside, count_inside,
                       (std::uint64_t first, std::int64_t count, std::uint64_t seed,
                        std::int64_t& inside),
                       (first, count, seed, inside));

constexpr std::int64_t kWidest = 8;  // samples in the widest vector

std::int64_t count_block(std::int64_t first, std::int64_t count, std::uint64_t seed) {
  std::int64_t inside = 0;
  const std::int64_t whole = count - count % kWidest;
  CountInside::run(static_cast<std::uint64_t>(first), whole, seed, inside);
  for (std::int64_t i = first + whole; i < first + count; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    PhiloxWords<std::uint64_t> words{index, index >> 32, 0, 0};
    philox4x32_10(static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), words);
    double x;
    double y;
    to_fraction(words.w0, words.w1, x);
    to_fraction(words.w2, words.w3, y);
    inside += x * x + y * y < 1.0 ? 1 : 0;
  }
  return inside;
}

std::int64_t chunk_size(std::int64_t n) {
  const auto wanted = static_cast<std::uint64_t>((n - 1) / kMostChunks + 1);
  return std::max(kSmallestChunk, static_cast<std::int64_t>(std::bit_ceil(wanted)));
}

}  // namespace

pool::Outcome monte_carlo_pi(std::int64_t n, std::uint64_t seed, const pool::Execution& execution,
                             double& out) {
  const std::int64_t chunk_samples = chunk_size(n);
  const std::int64_t n_chunks = (n - 1) / chunk_samples + 1;
  std::vector<std::int64_t> inside(static_cast<std::size_t>(n_chunks), 0);
  const pool::Outcome outcome = pool::parallel_for(
      n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
        const std::int64_t first = chunk * chunk_samples;
        const std::int64_t last = std::min(n, first + chunk_samples);
        std::int64_t hits = 0;
        for (std::int64_t i = first; i < last; i += kBlock) {
          if (i != first && checkpoint.stop()) return;
          hits += count_block(i, std::min(kBlock, last - i), seed);
        }
        inside[static_cast<std::size_t>(chunk)] = hits;
      });
  if (outcome == pool::Outcome::done) {
    const std::int64_t total = std::accumulate(inside.begin(), inside.end(), std::int64_t{0});
    out = 4.0 * static_cast<double>(total) / static_cast<double>(n);
  }
  return outcome;
}

double monte_carlo_pi_estimated_ns(std::int64_t n) { return 100.0 + 8.0 * static_cast<double>(n); }

}  // namespace nativeconc::kernels
