// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Vectors for the bodies that simd.hpp stamps: the compilers' own vector types, whose + - * & <
// work lane by lane, and the few operations that these lack.
//
// Pure functions, any thread. Vectors are passed by reference only: as values, their calling
// convention would depend on the instruction set.
#pragma once

#include <cstdint>
#include <type_traits>

#include "nativeconc/kernels/simd.hpp"

#if defined(__x86_64__)
#include <immintrin.h>  // declares the builtins of every instruction set
#endif

namespace nativeconc::kernels {

namespace detail {
template <class T, int kLanes>
struct LanesOf {
  typedef T Type __attribute__((vector_size(sizeof(T) * kLanes)));
};
}  // namespace detail

template <class T, int kLanes>
using Lanes = typename detail::LanesOf<T, kLanes>::Type;

// Loads from any address; `source` points to at least sizeof(Vector) bytes.
template <class Vector>
NATIVECONC_SIMD_BODY void load(const void* source, Vector& out) {
  __builtin_memcpy(&out, source, sizeof(Vector));
}

template <class Vector>
NATIVECONC_SIMD_BODY void store(const Vector& vector, void* target) {
  __builtin_memcpy(target, &vector, sizeof(Vector));
}

template <class Vector, class Element>
NATIVECONC_SIMD_BODY void broadcast(Element value, Vector& out) {
  for (unsigned i = 0; i < sizeof(Vector) / sizeof(Element); ++i) out[i] = value;
}

// Converts lane by lane to the lane type of `out`: float to double, int32 to int64.
template <class Narrow, class Wide>
NATIVECONC_SIMD_BODY void widen(const Narrow& narrow, Wide& out) {
  using Element = std::remove_reference_t<decltype(out[0])>;
  if constexpr (sizeof(Wide) == 16) {  // GCC takes the general form apart here
    out = Wide{static_cast<Element>(narrow[0]), static_cast<Element>(narrow[1])};
  } else {
    out = __builtin_convertvector(narrow, Wide);
  }
}

// True if any lane of a comparison's result is set.
template <class Mask>
NATIVECONC_SIMD_BODY bool any(const Mask& mask) {
  using Word = Lanes<std::uint64_t, static_cast<int>(sizeof(Mask) / 8)>;
  Word words;
  load(&mask, words);
  std::uint64_t joined = 0;
  for (unsigned i = 0; i < sizeof(Mask) / 8; ++i) joined |= words[i];
  return joined != 0;
}

#if defined(__x86_64__) && !defined(__clang__)
namespace detail {
typedef int I32x4 __attribute__((vector_size(16)));
typedef int I32x8 __attribute__((vector_size(32)));
typedef int I32x16 __attribute__((vector_size(64)));
typedef long long I64x8 __attribute__((vector_size(64)));
}  // namespace detail
#endif

// The full 64-bit products of the lower halves of the lanes; what the upper halves hold is ignored.
template <class U64>
NATIVECONC_SIMD_BODY void multiply_low_halves(const U64& a, const U64& b, U64& out) {
#if defined(__x86_64__) && !defined(__clang__)
  // GCC does not see that one instruction does this, and makes three multiplications of it.
  // Its note on the ABI of wide values is about a call that never happens.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
  if constexpr (sizeof(U64) == 16) {
    out = (U64)__builtin_ia32_pmuludq128((detail::I32x4)a, (detail::I32x4)b);
  } else if constexpr (sizeof(U64) == 32) {
    out = (U64)__builtin_ia32_pmuludq256((detail::I32x8)a, (detail::I32x8)b);
  } else {
    out = (U64)__builtin_ia32_pmuludq512_mask((detail::I32x16)a, (detail::I32x16)b, detail::I64x8{},
                                              0xff);
  }
#pragma GCC diagnostic pop
#else
  out = (a & 0xffffffffU) * (b & 0xffffffffU);
#endif
}

}  // namespace nativeconc::kernels
