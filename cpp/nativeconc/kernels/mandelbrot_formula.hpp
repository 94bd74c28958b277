// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The arithmetic of one Mandelbrot pixel, shared by the scalar, the SIMD and the GPU kernel, so
// that they give the same numbers.
//
// Pure functions: any thread, any device. `Real` is double, or a vector of doubles that knows + -
// *. Invariants: every operation is one IEEE operation in the order written. The compiler must not
// fuse a multiply with an add: -ffp-contract=off on the host, -fmad=false for nvcc.
#pragma once

#include <cstdint>

#include "nativeconc/base/host_device.hpp"

namespace nativeconc::kernels {

// |z|^2 beyond which a point is known to escape.
inline constexpr double kMandelbrotEscape = 4.0;

// A grid of width x height points; row 0 lies at im_lo. Build one with mandelbrot_frame().
struct MandelbrotFrame {
  double re_lo = 0.0;
  double im_lo = 0.0;
  double re_step = 0.0;
  double im_step = 0.0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int32_t max_iter = 0;
};

// Distance between neighbours when n points span [lo, hi], both ends included.
NATIVECONC_HOST_DEVICE constexpr double mandelbrot_spacing(double lo, double hi, std::int64_t n) {
  return n > 1 ? (hi - lo) / static_cast<double>(n - 1) : 0.0;
}

NATIVECONC_HOST_DEVICE constexpr MandelbrotFrame mandelbrot_frame(double re_lo, double re_hi,
                                                                  double im_lo, double im_hi,
                                                                  std::int64_t width,
                                                                  std::int64_t height,
                                                                  std::int32_t max_iter) {
  return {re_lo,
          im_lo,
          mandelbrot_spacing(re_lo, re_hi, width),
          mandelbrot_spacing(im_lo, im_hi, height),
          width,
          height,
          max_iter};
}

// The coordinate of column (or row) number `index`.
NATIVECONC_HOST_DEVICE constexpr double mandelbrot_coordinate(double lo, double step,
                                                              std::int64_t index) {
  return lo + static_cast<double>(index) * step;
}

// z <- z*z + c, given x2 = x*x and y2 = y*y.
// References, not values: a vector argument's calling convention would depend on the instruction
// set.
template <class Real>
NATIVECONC_HOST_DEVICE inline __attribute__((always_inline)) void mandelbrot_advance(
    const Real& cx, const Real& cy, const Real& x2, const Real& y2, Real& x, Real& y) {
  y = (x + x) * y + cy;
  x = (x2 - y2) + cx;
}

// The number of steps from z = 0 that are taken before |z|^2 > 4, at most max_iter.
NATIVECONC_HOST_DEVICE inline std::int32_t mandelbrot_escape_steps(double cx, double cy,
                                                                   std::int32_t max_iter) {
  double x = 0.0;
  double y = 0.0;
  std::int32_t steps = 0;
  while (steps < max_iter) {
    const double x2 = x * x;
    const double y2 = y * y;
    if (!(x2 + y2 <= kMandelbrotEscape)) break;  // written so that a NaN counts as escaped
    mandelbrot_advance(cx, cy, x2, y2, x, y);
    ++steps;
  }
  return steps;
}

}  // namespace nativeconc::kernels
