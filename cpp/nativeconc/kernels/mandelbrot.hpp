// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The Mandelbrot set by escape time: how many steps each point of a grid takes to leave the circle
// of radius 2.
//
// Any thread, several at once, after fork. `out` belongs to the call while it runs.
// Invariants: every pixel is what mandelbrot_escape_steps() gives, on every path; row-major, row 0
// at im_lo.
#pragma once

#include <cstdint>

#include "nativeconc/kernels/mandelbrot_formula.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

// `out` holds width * height numbers. Stops within about a millisecond of being asked to.
pool::Outcome mandelbrot(const MandelbrotFrame& frame, std::int32_t* out,
                         const pool::Execution& execution);

// A rough cost on one thread, should no point escape.
double mandelbrot_estimated_ns(const MandelbrotFrame& frame);

}  // namespace nativeconc::kernels
