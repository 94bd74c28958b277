// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/extremes.hpp"

#include <limits>
#include <type_traits>

#include "nativeconc/kernels/reduction.hpp"
#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {
namespace {

template <class T, bool kLargest, bool kSkipNan>
struct KeepExtreme {
  using Element = T;
  using State = T;

  template <int kWidth>
  static NATIVECONC_SIMD_BODY void map(const Lanes<Element, kWidth>& raw, const State*,
                                       Lanes<State, kWidth>& out) {
    out = raw;
  }

  // Once NaN, always NaN; or, if they are skipped, only as long as there is nothing else.
  template <class Number>
  static NATIVECONC_SIMD_BODY void combine(const Number& x, Number& into) {
    if constexpr (std::is_arithmetic_v<Number>) {
      const bool beats = kLargest ? x > into : x < into;
      const bool nan_rules = kSkipNan ? into != into : x != x;
      if (beats || nan_rules) into = x;
    } else {
      auto take = x < into;
      if constexpr (kLargest) take = x > into;
      if constexpr (std::is_floating_point_v<T>) {
        if constexpr (kSkipNan) {
          take |= into != into;
        } else {
          take |= x != x;
        }
      }
      using Mask = decltype(take);
      into = (Number)(((Mask)x & take) | ((Mask)into & ~take));
    }
  }
};

// The type in which elements are read and compared.
template <class T>
using Compared =
    std::conditional_t<std::is_floating_point_v<T>, T,
                       std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

template <class T, bool kLargest, bool kSkipNan>
pool::Outcome find(const Lines& lines, const pool::Execution& execution, void* out) {
  using Element = Compared<T>;
  auto* const found = static_cast<T*>(out);
  const Reduction<KeepExtreme<Element, kLargest, kSkipNan>> reduction(lines,
                                                                      reader_of<Element, T>());
  return reduction.run(execution, [found](Element value, std::int64_t line) {
    if constexpr (std::is_floating_point_v<T>) {
      if (value != value) value = std::numeric_limits<T>::quiet_NaN();
    }
    found[line] = static_cast<T>(value);
  });
}

}  // namespace

pool::Outcome extreme(const ArrayView& a, AxisSet reduced, const ExtremeOptions& options,
                      const pool::Execution& execution, void* out, bool* all_nan) {
  const Lines lines(a, reduced);
  if (lines.count == 0) return pool::Outcome::done;
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      if (options.skip_nan) {
        const pool::Outcome outcome = options.largest ? find<T, true, true>(lines, execution, out)
                                                      : find<T, false, true>(lines, execution, out);
        const T* const found = static_cast<T*>(out);
        for (std::int64_t i = 0; i < lines.count; ++i) *all_nan |= found[i] != found[i];
        return outcome;
      }
    }
    return options.largest ? find<T, true, false>(lines, execution, out)
                           : find<T, false, false>(lines, execution, out);
  });
}

}  // namespace nativeconc::kernels
