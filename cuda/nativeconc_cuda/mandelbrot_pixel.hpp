// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One pixel of the GPU's image, by its number: what each GPU thread computes.
// A pure function, on host and device alike, so it is tested where there is no GPU.
#pragma once

#include <cstdint>

#include "nativeconc/base/host_device.hpp"
#include "nativeconc/kernels/mandelbrot_formula.hpp"

namespace nativeconc::cuda {

// Pixels are numbered row by row, from 0 to width * height - 1.
NATIVECONC_HOST_DEVICE inline std::int32_t mandelbrot_pixel(const kernels::MandelbrotFrame& frame,
                                                            std::int64_t pixel) {
  const std::int64_t row = pixel / frame.width;
  const std::int64_t column = pixel - row * frame.width;
  const double cx = kernels::mandelbrot_coordinate(frame.re_lo, frame.re_step, column);
  const double cy = kernels::mandelbrot_coordinate(frame.im_lo, frame.im_step, row);
  return kernels::mandelbrot_escape_steps(cx, cy, frame.max_iter);
}

}  // namespace nativeconc::cuda
