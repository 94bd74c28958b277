// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/mean.hpp"

#include <cmath>
#include <limits>
#include <memory>

#include "nativeconc/kernels/reduction.hpp"
#include "nativeconc/kernels/sum_operations.hpp"

namespace nativeconc::kernels {
namespace {

template <class T>
using MeanResult = std::conditional_t<std::is_same_v<T, float>, float, double>;

// The type in which elements are read: integers are converted on their way.
template <class T>
using Real = std::conditional_t<std::is_same_v<T, float>, float, double>;

template <class T>
MeanResult<T> rounded(double number) {
  number += 0.0;  // a zero comes out positive
  if (number != number) number = std::numeric_limits<double>::quiet_NaN();
  return static_cast<MeanResult<T>>(number);
}

// A number for each line.
std::unique_ptr<double[]> new_numbers(const Lines& lines) {
  return std::unique_ptr<double[]>(new double[static_cast<std::size_t>(lines.count)]);
}

// The variances or means of one dtype. kSkipNan: and only of the elements that are not NaN.
template <class T, bool kSkipNan>
class Moments {
 public:
  Moments(const Lines& lines, const pool::Execution& execution)
      : lines_(lines), execution_(execution) {
    if (kSkipNan) counts_ = new_numbers(lines);
  }

  pool::Outcome mean(void* out, bool* too_few) {
    if (count_numbers() == pool::Outcome::cancelled) return pool::Outcome::cancelled;
    auto* const means = static_cast<MeanResult<T>*>(out);
    for (std::int64_t line = 0; line < (kSkipNan ? lines_.count : 1); ++line) {
      *too_few |= count(line) == 0.0;
    }
    return reduce<AddNumbers<Real<T>, kSkipNan>>(nullptr, [&](double sum, std::int64_t line) {
      means[line] = rounded<T>(sum / count(line));
    });
  }

  pool::Outcome variance(const MeanOptions& options, void* out, bool* too_few) {
    const std::unique_ptr<double[]> means = new_numbers(lines_);
    if (count_numbers() == pool::Outcome::cancelled) return pool::Outcome::cancelled;
    for (std::int64_t line = 0; line < (kSkipNan ? lines_.count : 1); ++line) {
      *too_few |= count(line) <= options.ddof;
    }
    const pool::Outcome outcome =
        reduce<AddNumbers<Real<T>, kSkipNan>>(nullptr, [&](double sum, std::int64_t line) {
          means[static_cast<std::size_t>(line)] = sum / count(line);
        });
    if (outcome == pool::Outcome::cancelled) return outcome;
    auto* const variances = static_cast<MeanResult<T>*>(out);
    return reduce<AddSquaredDeviations<Real<T>, kSkipNan>>(
        means.get(), [&](double sum, std::int64_t line) {
          const double degrees = count(line) - options.ddof;
          double variance = sum / std::max(degrees, 0.0);
          // numpy.nanvar's rule, where numpy.var leaves an infinity.
          if (kSkipNan && degrees <= 0.0) variance = std::numeric_limits<double>::quiet_NaN();
          variances[line] = rounded<T>(options.square_root ? std::sqrt(variance) : variance);
        });
  }

 private:
  // How many elements of a line count.
  double count(std::int64_t line) const {
    return kSkipNan ? counts_[static_cast<std::size_t>(line)]
                    : static_cast<double>(lines_.line.size);
  }

  pool::Outcome count_numbers() {
    if constexpr (kSkipNan) {
      double* const counts = counts_.get();
      return reduce<CountNumbers<Real<T>>>(
          nullptr, [counts](double n, std::int64_t line) { counts[line] = n + 0.0; });
    } else {
      return pool::Outcome::done;
    }
  }

  template <class Op, class Finish>
  pool::Outcome reduce(const double* contexts, const Finish& finish) const {
    if (lines_.line.size == 0) {
      for (std::int64_t line = 0; line < lines_.count; ++line) finish(0.0, line);
    }
    if (lines_.line.size == 0 || lines_.count == 0) return pool::Outcome::done;
    return Reduction<Op>(lines_, reader_of<Real<T>, T>(), contexts).run(execution_, finish);
  }

  const Lines& lines_;
  const pool::Execution& execution_;
  std::unique_ptr<double[]> counts_;
};

// Calls visitor(moments) for the dtype and for whether NaNs are skipped.
template <class Visitor>
pool::Outcome visit_moments(const ArrayView& a, AxisSet reduced, bool skip_nan,
                            const pool::Execution& execution, const Visitor& visitor) {
  const Lines lines(a, reduced);
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      if (skip_nan) return visitor(Moments<T, true>(lines, execution));
    }
    return visitor(Moments<T, false>(lines, execution));
  });
}

}  // namespace

Dtype mean_dtype(Dtype dtype) { return dtype == Dtype::float32 ? Dtype::float32 : Dtype::float64; }

pool::Outcome mean(const ArrayView& a, AxisSet reduced, const MeanOptions& options,
                   const pool::Execution& execution, void* out, bool* too_few) {
  return visit_moments(a, reduced, options.skip_nan, execution,
                       [&](auto moments) { return moments.mean(out, too_few); });
}

pool::Outcome variance(const ArrayView& a, AxisSet reduced, const MeanOptions& options,
                       const pool::Execution& execution, void* out, bool* too_few) {
  return visit_moments(a, reduced, options.skip_nan, execution,
                       [&](auto moments) { return moments.variance(options, out, too_few); });
}

}  // namespace nativeconc::kernels
