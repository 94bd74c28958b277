// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/sum.hpp"

#include <limits>

#include "nativeconc/kernels/reduction.hpp"
#include "nativeconc/kernels/sum_operations.hpp"

namespace nativeconc::kernels {
namespace {

template <class T>
using SumResult =
    std::conditional_t<std::is_floating_point_v<T>, T,
                       std::conditional_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>,
                                          std::uint64_t, std::int64_t>>;

template <class Result>
Result rounded(double total) {
  total += 0.0;  // a zero comes out positive, as NumPy's does
  if (total != total) total = std::numeric_limits<double>::quiet_NaN();
  return static_cast<Result>(total);
}

template <class Result>
Result rounded(std::uint64_t total) {
  return static_cast<Result>(total);
}

// What elements are added in.
template <class T, bool kSkipNan>
using Add = std::conditional_t<
    std::is_floating_point_v<T>,
    AddNumbers<std::conditional_t<std::is_floating_point_v<T>, T, double>, kSkipNan>, AddIntegers>;

template <bool kSkipNan>
pool::Outcome sum_lines(const ArrayView& a, AxisSet reduced, const pool::Execution& execution,
                        void* out) {
  const Lines lines(a, reduced);
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Op = Add<T, kSkipNan>;
    auto* const sums = static_cast<SumResult<T>*>(out);
    if (lines.line.size == 0) std::fill(sums, sums + lines.count, SumResult<T>{0});
    if (lines.line.size == 0 || lines.count == 0) return pool::Outcome::done;
    const Reduction<Op> reduction(lines, reader_of<typename Op::Element, T>());
    return reduction.run(execution, [sums](typename Op::State total, std::int64_t line) {
      sums[line] = rounded<SumResult<T>>(total);
    });
  });
}

}  // namespace

Dtype sum_dtype(Dtype dtype) {
  return visit_dtype(dtype, [&](auto tag) {
    using Result = SumResult<typename decltype(tag)::type>;
    if (std::is_floating_point_v<Result>) return dtype;
    return std::is_unsigned_v<Result> ? Dtype::uint64 : Dtype::int64;
  });
}

pool::Outcome sum(const ArrayView& a, AxisSet reduced, const pool::Execution& execution,
                  void* out) {
  return sum_lines<false>(a, reduced, execution, out);
}

pool::Outcome nansum(const ArrayView& a, AxisSet reduced, const pool::Execution& execution,
                     void* out) {
  return sum_lines<true>(a, reduced, execution, out);
}

double reduction_estimated_ns(const ArrayView& a) {
  const bool contiguous = StridedWalk(a).is_contiguous();
  return 100.0 + static_cast<double>(a.size()) * (contiguous ? 0.5 : 2.0);
}

}  // namespace nativeconc::kernels
