// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/mandelbrot.hpp"

#include <algorithm>

#include "nativeconc/kernels/vectors.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kPixelsPerChunk = 512;
constexpr int kStepsAtOnce = 8;  // between two looks whether any pixel is still going
constexpr std::int64_t kStepsPerCheck = 32'768;  // about half a millisecond

// Points far outside, for the lanes beyond the last pixel: they escape after one step.
constexpr double kOutside = 3.0;

// Hands out the coordinates of pixels first, first + 1, ...
class PixelCursor {
 public:
  PixelCursor(const MandelbrotFrame& frame, std::int64_t first)
      : frame_(frame), row_(first / frame.width), column_(first % frame.width) {}

  void next(double& cx, double& cy) {
    cx = mandelbrot_coordinate(frame_.re_lo, frame_.re_step, column_);
    cy = mandelbrot_coordinate(frame_.im_lo, frame_.im_step, row_);
    if (++column_ == frame_.width) {
      column_ = 0;
      ++row_;
    }
  }

 private:
  const MandelbrotFrame& frame_;
  std::int64_t row_;
  std::int64_t column_;
};

// A few vectors of pixels that are stepped together; several, so that one's latency hides
// another's.
template <int kBytes>
struct Batch {
  static constexpr int kWidth = kBytes / 8;
  static constexpr int kVectors = kBytes == 64 ? 4 : 2;  // the registers there are
  static constexpr int kPixels = kVectors * kWidth;
  using Real = Lanes<double, kWidth>;
  using Count = Lanes<std::int64_t, kWidth>;

  Real cx[kVectors], cy[kVectors], x[kVectors], y[kVectors];
  Count active[kVectors], steps[kVectors];  // active: -1 until the pixel has escaped
};

template <int kBytes>
NATIVECONC_SIMD_BODY void step(Batch<kBytes>& batch) {
  using Real = typename Batch<kBytes>::Real;
  for (int v = 0; v < Batch<kBytes>::kVectors; ++v) {
    const Real x2 = batch.x[v] * batch.x[v];
    const Real y2 = batch.y[v] * batch.y[v];
    batch.active[v] &= x2 + y2 <= kMandelbrotEscape;
    batch.steps[v] -= batch.active[v];
    mandelbrot_advance(batch.cx[v], batch.cy[v], x2, y2, batch.x[v], batch.y[v]);
  }
}

template <int kBytes>
NATIVECONC_SIMD_BODY bool any_active(const Batch<kBytes>& batch) {
  typename Batch<kBytes>::Count joined = batch.active[0];
  for (int v = 1; v < Batch<kBytes>::kVectors; ++v) joined |= batch.active[v];
  return any(joined);
}

template <int kBytes>
NATIVECONC_SIMD_BODY void draw(const MandelbrotFrame& frame, std::int64_t first, std::int64_t count,
                               std::int32_t* out, const pool::Checkpoint& checkpoint) {
  using Pixels = Batch<kBytes>;
  PixelCursor cursor(frame, first);
  std::int64_t steps_until_check = kStepsPerCheck;
  for (std::int64_t done = 0; done < count; done += Pixels::kPixels) {
    const int used = static_cast<int>(std::min<std::int64_t>(Pixels::kPixels, count - done));
    double cx[Pixels::kPixels];
    double cy[Pixels::kPixels];
    for (int i = 0; i < used; ++i) cursor.next(cx[i], cy[i]);
    for (int i = used; i < Pixels::kPixels; ++i) cx[i] = cy[i] = kOutside;

    Pixels batch;
    for (int v = 0; v < Pixels::kVectors; ++v) {
      load(cx + v * Pixels::kWidth, batch.cx[v]);
      load(cy + v * Pixels::kWidth, batch.cy[v]);
      batch.x[v] = batch.y[v] = typename Pixels::Real{};
      batch.steps[v] = typename Pixels::Count{};
      batch.active[v] = ~typename Pixels::Count{};
    }
    std::int32_t taken = 0;
    for (; frame.max_iter - taken >= kStepsAtOnce && any_active(batch); taken += kStepsAtOnce) {
      for (int i = 0; i < kStepsAtOnce; ++i) step(batch);
      steps_until_check -= kStepsAtOnce;
      if (steps_until_check <= 0) {
        if (checkpoint.stop()) return;
        steps_until_check = kStepsPerCheck;
      }
    }
    if (frame.max_iter - taken < kStepsAtOnce) {
      for (; taken < frame.max_iter; ++taken) step(batch);
    }

    std::int64_t steps[Pixels::kPixels];
    for (int v = 0; v < Pixels::kVectors; ++v) store(batch.steps[v], steps + v * Pixels::kWidth);
    for (int i = 0; i < used; ++i) out[done + i] = static_cast<std::int32_t>(steps[i]);
  }
}

NATIVECONC_SIMD_STRUCT(Draw, draw,
                       (const MandelbrotFrame& frame, std::int64_t first, std::int64_t count,
                        std::int32_t* out, const pool::Checkpoint& checkpoint),
                       (frame, first, count, out, checkpoint));

}  // namespace

pool::Outcome mandelbrot(const MandelbrotFrame& frame, std::int32_t* out,
                         const pool::Execution& execution) {
  const std::int64_t pixels = frame.width * frame.height;
  const std::int64_t n_chunks = (pixels + kPixelsPerChunk - 1) / kPixelsPerChunk;
  return pool::parallel_for(n_chunks, execution,
                            [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
                              const std::int64_t first = chunk * kPixelsPerChunk;
                              const std::int64_t count = std::min(kPixelsPerChunk, pixels - first);
                              Draw::run(frame, first, count, out + first, checkpoint);
                            });
}

double mandelbrot_estimated_ns(const MandelbrotFrame& frame) {
  const double pixels = static_cast<double>(frame.width) * static_cast<double>(frame.height);
  return 100.0 + pixels * (2.0 + static_cast<double>(frame.max_iter));
}

}  // namespace nativeconc::kernels
