// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// kernels.mandelbrot on the GPU: one thread a pixel, with the formula of the CPU kernel. Both are
// compiled without fused multiply-add, so the images are equal.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "nativeconc/kernels/mandelbrot_formula.hpp"
#include "nativeconc_cuda/abi.h"
#include "nativeconc_cuda/call.hpp"
#include "nativeconc_cuda/mandelbrot_pixel.hpp"
#include "nativeconc_cuda/memory.hpp"

namespace nativeconc::cuda {
namespace {

using kernels::MandelbrotFrame;

constexpr int kThreads = 256;
constexpr std::int64_t kMaxPixels = std::int64_t{kThreads} * 0x7fffffff;  // one grid
// A band is what runs between two looks for signals. The first takes at most so many steps, which
// is short on any GPU; the next ones grow or shrink towards the time that a band should last.
constexpr std::int64_t kFirstBandSteps = std::int64_t{1} << 28;
constexpr std::int64_t kMinBandPixels = kThreads;
constexpr std::int64_t kMaxBandPixels = std::int64_t{1} << 24;
constexpr std::chrono::milliseconds kShortBand{10};
constexpr std::chrono::milliseconds kLongBand{40};

// Writes pixels [first, first + count), numbered row by row, to out[0 .. count).
__global__ void __launch_bounds__(kThreads)
    mandelbrot_pixels(const MandelbrotFrame frame, std::int64_t first, std::int64_t count,
                      std::int32_t* out) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= count) return;
  out[i] = mandelbrot_pixel(frame, first + i);
}

Code launch(const MandelbrotFrame& frame, std::int64_t first, std::int64_t count, std::int32_t* out,
            cudaStream_t stream, NativeconcCudaError* error) {
  const unsigned blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
  mandelbrot_pixels<<<blocks, kThreads, 0, stream>>>(frame, first, count, out);
  return check(cudaGetLastError(), "starting the Mandelbrot kernel", error);
}

Code frame_from(const NativeconcCudaFrame& given, MandelbrotFrame* frame,
                NativeconcCudaError* error) {
  std::int64_t pixels = 0;
  if (given.width < 0 || given.height < 0 || given.max_iter < 0 ||
      __builtin_mul_overflow(given.width, given.height, &pixels) || pixels > kMaxPixels) {
    return fail(error, NATIVECONC_CUDA_INVALID, cudaSuccess,
                "Width, height and max_iter must not be negative, and there may be at most %lld "
                "pixels.",
                static_cast<long long>(kMaxPixels));
  }
  *frame = kernels::mandelbrot_frame(given.re_lo, given.re_hi, given.im_lo, given.im_hi,
                                     given.width, given.height, given.max_iter);
  return NATIVECONC_CUDA_OK;
}

Code mandelbrot_host(const MandelbrotFrame& frame, int device, Poller poller, std::int32_t* out,
                     NativeconcCudaError* error) {
  const std::int64_t pixels = frame.width * frame.height;
  if (pixels == 0) return NATIVECONC_CUDA_OK;
  const std::int64_t largest = std::min(pixels, kMaxBandPixels);
  std::int64_t band = kFirstBandSteps / std::max(frame.max_iter, 1);
  OwnStream stream;
  NATIVECONC_CUDA_TRY(stream.create(error));
  DeviceMemory steps;
  NATIVECONC_CUDA_TRY(steps.allocate(static_cast<std::size_t>(largest) * sizeof(std::int32_t),
                                     device, stream.get(), error));
  for (std::int64_t first = 0; first < pixels;) {
    if (poller.stop()) return fail(error, NATIVECONC_CUDA_CANCELLED, cudaSuccess, "Cancelled.");
    band = std::min(std::max(band, kMinBandPixels), largest);
    const std::int64_t count = std::min(band, pixels - first);
    const auto start = std::chrono::steady_clock::now();
    NATIVECONC_CUDA_TRY(launch(frame, first, count, steps.as<std::int32_t>(), stream.get(), error));
    NATIVECONC_CUDA_TRY(
        check(cudaMemcpyAsync(out + first, steps.as<std::int32_t>(),
                              static_cast<std::size_t>(count) * sizeof(std::int32_t),
                              cudaMemcpyDeviceToHost, stream.get()),
              "copying from the GPU", error));
    NATIVECONC_CUDA_TRY(stream.synchronize(error));
    const auto lasted = std::chrono::steady_clock::now() - start;
    if (lasted < kShortBand) band *= 2;
    if (lasted > kLongBand) band /= 2;
    first += count;
  }
  return NATIVECONC_CUDA_OK;
}

}  // namespace
}  // namespace nativeconc::cuda

using namespace nativeconc::cuda;

extern "C" {

int32_t nativeconc_cuda_mandelbrot(const NativeconcCudaFrame* given,
                                   const NativeconcCudaPlace* place, int32_t* out,
                                   NativeconcCudaError* error) {
  MandelbrotFrame frame;
  NATIVECONC_CUDA_TRY(frame_from(*given, &frame, error));
  NATIVECONC_CUDA_TRY(require_device(place->device, error));
  const int64_t pixels = frame.width * frame.height;
  if (pixels == 0) return NATIVECONC_CUDA_OK;
  CurrentDevice current;
  NATIVECONC_CUDA_TRY(current.enter(place->device, error));
  const StreamOrder order(*place);
  NATIVECONC_CUDA_TRY(order.begin(error));
  NATIVECONC_CUDA_TRY(launch(frame, 0, pixels, out, order.stream(), error));
  return order.end(error);
}

int32_t nativeconc_cuda_mandelbrot_host(const NativeconcCudaFrame* given, int32_t device,
                                        NativeconcCudaPoll poll, void* poll_context, int32_t* out,
                                        NativeconcCudaError* error) {
  MandelbrotFrame frame;
  NATIVECONC_CUDA_TRY(frame_from(*given, &frame, error));
  NATIVECONC_CUDA_TRY(require_device(device, error));
  CurrentDevice current;
  NATIVECONC_CUDA_TRY(current.enter(device, error));
  return mandelbrot_host(frame, device, Poller(poll, poll_context), out, error);
}

}  // extern "C"
