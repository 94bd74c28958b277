// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Philox4x32-10, a counter-based random number generator: random words as a pure function of a
// 128-bit counter and a 64-bit key (Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy
// as 1, 2, 3", SC11). Any sample can be had without those before it, so it does not matter which
// thread draws it.
//
// Pure functions; any thread.
// Invariant: a word is the lower half of a U64 (std::uint64_t, or a vector of such); the upper half
// may hold anything, before and after.
#pragma once

#include <cstdint>

#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {

template <class U64>
struct PhiloxWords {
  U64 w0, w1, w2, w3;
};

template <>
NATIVECONC_SIMD_BODY void multiply_low_halves<std::uint64_t>(const std::uint64_t& a,
                                                             const std::uint64_t& b,
                                                             std::uint64_t& out) {
  out = (a & 0xffffffffU) * (b & 0xffffffffU);
}

// Turns the counter in `words` into four random words.
template <class U64>
NATIVECONC_SIMD_BODY void philox4x32_10(std::uint32_t key_lo, std::uint32_t key_hi,
                                        PhiloxWords<U64>& words) {
  constexpr int kRounds = 10;
  const U64 multiplier0 = U64{} + 0xD2511F53U;
  const U64 multiplier1 = U64{} + 0xCD9E8D57U;
  for (int round = 0; round < kRounds; ++round) {
    U64 product0;
    U64 product1;
    multiply_low_halves(multiplier0, words.w0, product0);
    multiply_low_halves(multiplier1, words.w2, product1);
    words.w0 = (product1 >> 32) ^ words.w1 ^ std::uint64_t{key_lo};
    words.w1 = product1;
    words.w2 = (product0 >> 32) ^ words.w3 ^ std::uint64_t{key_hi};
    words.w3 = product0;
    key_lo += 0x9E3779B9U;
    key_hi += 0xBB67AE85U;
  }
}

}  // namespace nativeconc::kernels
