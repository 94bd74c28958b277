// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc_cuda/mandelbrot_pixel.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "nativeconc/kernels/mandelbrot.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::cuda {
namespace {

std::vector<std::int32_t> pixel_by_pixel(const kernels::MandelbrotFrame& frame) {
  std::vector<std::int32_t> image(static_cast<std::size_t>(frame.width * frame.height));
  for (std::size_t i = 0; i < image.size(); ++i) {
    image[i] = mandelbrot_pixel(frame, static_cast<std::int64_t>(i));
  }
  return image;
}

std::vector<std::int32_t> from_cpu_kernel(const kernels::MandelbrotFrame& frame) {
  std::vector<std::int32_t> image(static_cast<std::size_t>(frame.width * frame.height), -1);
  EXPECT_EQ(kernels::mandelbrot(frame, image.data(), pool::Execution{}), pool::Outcome::done);
  return image;
}

TEST(MandelbrotPixel, GivesTheImageOfTheCpuKernel) {
  const auto frame = kernels::mandelbrot_frame(-2.0, 0.5, -1.25, 1.25, 101, 67, 300);
  EXPECT_EQ(pixel_by_pixel(frame), from_cpu_kernel(frame));
}

TEST(MandelbrotPixel, GivesTheImageOfTheCpuKernelDeepInside) {
  const auto frame =
      kernels::mandelbrot_frame(-0.743645, -0.743642, 0.131824, 0.131827, 40, 30, 5000);
  EXPECT_EQ(pixel_by_pixel(frame), from_cpu_kernel(frame));
}

TEST(MandelbrotPixel, CountsStepsBeforeTheEscape) {
  const auto frame = kernels::mandelbrot_frame(0.0, 3.0, 0.0, 0.0, 4, 1, 50);
  EXPECT_EQ(pixel_by_pixel(frame), (std::vector<std::int32_t>{50, 3, 2, 1}));
}

TEST(MandelbrotPixel, TakesNoStepWhenNoneIsAllowed) {
  const auto frame = kernels::mandelbrot_frame(-1.0, 1.0, -1.0, 1.0, 3, 3, 0);
  EXPECT_EQ(pixel_by_pixel(frame), std::vector<std::int32_t>(9, 0));
}

}  // namespace
}  // namespace nativeconc::cuda
