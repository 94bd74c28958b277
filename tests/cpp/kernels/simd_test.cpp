// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/simd.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {
namespace {

TEST(Simd, BaselineIsAlwaysSupported) { EXPECT_TRUE(simd_supported(SimdPath::baseline)); }

TEST(Simd, UsesASupportedPath) { EXPECT_TRUE(simd_supported(simd_path())); }

TEST(Simd, CanBeSwitchedToASupportedPath) {
  const SimdPath before = simd_path();
  set_simd_path(SimdPath::baseline);
  EXPECT_EQ(simd_path(), SimdPath::baseline);
  set_simd_path(before);
}

template <int kBytes>
NATIVECONC_SIMD_BODY void multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& out) {
  using U64 = Lanes<std::uint64_t, kBytes / 8>;
  U64 product;
  multiply_low_halves(U64{} + a, U64{} + b, product);
  out = product[kBytes / 8 - 1];
}
NATIVECONC_SIMD_STRUCT(Multiply, multiply, (std::uint64_t a, std::uint64_t b, std::uint64_t& out),
                       (a, b, out));

TEST(Simd, MultipliesLowHalvesAndIgnoresTheUpperOnes) {
  for (const SimdPath path : {SimdPath::baseline, SimdPath::avx2, SimdPath::avx512}) {
    if (!simd_supported(path)) continue;
    set_simd_path(path);
    std::uint64_t product = 0;
    Multiply::run(0x1234'5678'ffff'ffff, 0x9abc'def0'ffff'ffff, product);
    EXPECT_EQ(product, 0xffff'fffeU * (std::uint64_t{1} << 32) + 1);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
