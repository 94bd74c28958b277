// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The operations of fold.hpp that add something up: elements, how many are numbers, squared
// deviations from a mean.
//
// Pure functions, any thread. A NaN may be skipped: it then counts as -0.0, which changes nothing
// when added, not even the sign of a zero.
#pragma once

#include <cstdint>

#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {

namespace detail {

// where ? value : -0.0, lane by lane
template <int kWidth>
NATIVECONC_SIMD_BODY void keep_where(const Lanes<std::int64_t, kWidth>& where,
                                     Lanes<double, kWidth>& value) {
  using Words = Lanes<std::int64_t, kWidth>;
  Words negative_zero;
  broadcast(std::int64_t{-0x7fffffffffffffff - 1}, negative_zero);
  value = (Lanes<double, kWidth>)(((Words)value & where) | (negative_zero & ~where));
}

template <class T, int kWidth>
NATIVECONC_SIMD_BODY void widened(const Lanes<T, kWidth>& raw, Lanes<double, kWidth>& out) {
  if constexpr (sizeof(T) == sizeof(double)) {
    out = raw;
  } else {
    widen(raw, out);
  }
}

}  // namespace detail

// Adds integers up. Without sign: unsigned addition wraps around.
struct AddIntegers {
  using Element = std::uint64_t;
  using State = std::uint64_t;

  template <int kWidth>
  static NATIVECONC_SIMD_BODY void map(const Lanes<Element, kWidth>& raw, const State*,
                                       Lanes<State, kWidth>& out) {
    out = raw;
  }
  template <class Number>
  static NATIVECONC_SIMD_BODY void combine(const Number& x, Number& into) {
    into += x;
  }
};

// Adds floats or doubles up, if kSkipNan without those that are NaN.
template <class T, bool kSkipNan>
struct AddNumbers {
  using Element = T;
  using State = double;

  template <int kWidth>
  static NATIVECONC_SIMD_BODY void map(const Lanes<Element, kWidth>& raw, const State*,
                                       Lanes<State, kWidth>& out) {
    detail::widened<Element, kWidth>(raw, out);
    if constexpr (kSkipNan) {
      detail::keep_where<kWidth>((Lanes<std::int64_t, kWidth>)(out == out), out);
    }
  }
  template <class Number>
  static NATIVECONC_SIMD_BODY void combine(const Number& x, Number& into) {
    into += x;
  }
};

// Counts the elements that are not NaN.
template <class T>
struct CountNumbers {
  using Element = T;
  using State = double;  // exact below 2^53

  template <int kWidth>
  static NATIVECONC_SIMD_BODY void map(const Lanes<Element, kWidth>& raw, const State*,
                                       Lanes<State, kWidth>& out) {
    Lanes<State, kWidth> wide;
    detail::widened<Element, kWidth>(raw, wide);
    broadcast(1.0, out);
    detail::keep_where<kWidth>((Lanes<std::int64_t, kWidth>)(wide == wide), out);
  }
  template <class Number>
  static NATIVECONC_SIMD_BODY void combine(const Number& x, Number& into) {
    into += x;
  }
};

// Adds up (element - mean)^2; the context is the mean.
template <class T, bool kSkipNan>
struct AddSquaredDeviations {
  using Element = T;
  using State = double;

  template <int kWidth>
  static NATIVECONC_SIMD_BODY void map(const Lanes<Element, kWidth>& raw, const State* context,
                                       Lanes<State, kWidth>& out) {
    Lanes<State, kWidth> mean;
    Lanes<State, kWidth> element;
    load(context, mean);
    detail::widened<Element, kWidth>(raw, element);
    out = element - mean;
    out *= out;
    if constexpr (kSkipNan) {
      detail::keep_where<kWidth>((Lanes<std::int64_t, kWidth>)(element == element), out);
    }
  }
  template <class Number>
  static NATIVECONC_SIMD_BODY void combine(const Number& x, Number& into) {
    into += x;
  }
};

}  // namespace nativeconc::kernels
