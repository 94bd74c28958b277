// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/mandelbrot.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "every_path.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

std::vector<std::int32_t> draw(const MandelbrotFrame& frame, const Execution& execution = {}) {
  std::vector<std::int32_t> image(static_cast<std::size_t>(frame.width * frame.height), -1);
  EXPECT_EQ(mandelbrot(frame, image.data(), execution), Outcome::done);
  return image;
}

std::vector<std::int32_t> draw_by_formula(const MandelbrotFrame& frame) {
  std::vector<std::int32_t> image;
  for (std::int64_t row = 0; row < frame.height; ++row) {
    for (std::int64_t col = 0; col < frame.width; ++col) {
      image.push_back(mandelbrot_escape_steps(
          mandelbrot_coordinate(frame.re_lo, frame.re_step, col),
          mandelbrot_coordinate(frame.im_lo, frame.im_step, row), frame.max_iter));
    }
  }
  return image;
}

TEST(MandelbrotFormula, CountsStepsBeforeTheEscape) {
  EXPECT_EQ(mandelbrot_escape_steps(3.0, 0.0, 10), 1);
  EXPECT_EQ(mandelbrot_escape_steps(1.0, 0.0, 10), 3);    // 1, 2, 5
  EXPECT_EQ(mandelbrot_escape_steps(-2.0, 0.0, 10), 10);  // stays on the circle
  EXPECT_EQ(mandelbrot_escape_steps(0.0, 0.0, 10), 10);
  EXPECT_EQ(mandelbrot_escape_steps(3.0, 0.0, 0), 0);
  EXPECT_EQ(mandelbrot_escape_steps(1e308, 1e308, 10), 1);  // |z|^2 is infinite
}

TEST(MandelbrotFormula, PutsTheEndsOfARangeOnTheGrid) {
  EXPECT_EQ(mandelbrot_spacing(-2.0, 2.0, 5), 1.0);
  EXPECT_EQ(mandelbrot_spacing(-2.0, 2.0, 1), 0.0);
  EXPECT_EQ(mandelbrot_coordinate(-2.0, 1.0, 4), 2.0);
}

TEST(Mandelbrot, IsTheFormulaOnEveryPath) {
  for (const auto& [width, height, max_iter] :
       {std::tuple{1, 1, 1}, {7, 5, 50}, {64, 48, 200}, {333, 3, 1001}, {1, 700, 9}, {50, 40, 0}}) {
    const MandelbrotFrame frame = mandelbrot_frame(-2.0, 0.5, -1.25, 1.25, width, height, max_iter);
    const std::vector<std::int32_t> expected = draw_by_formula(frame);
    on_every_path([&](const Execution& execution) { EXPECT_EQ(draw(frame, execution), expected); });
  }
}

TEST(Mandelbrot, IsTheFormulaDeepInTheSeahorseValley) {
  const MandelbrotFrame frame =
      mandelbrot_frame(-0.7436447860, -0.7436447855, 0.1318252536, 0.1318252541, 60, 50, 5000);
  const std::vector<std::int32_t> expected = draw_by_formula(frame);
  on_every_path([&](const Execution& execution) { EXPECT_EQ(draw(frame, execution), expected); });
}

TEST(Mandelbrot, TakesRangesThatRunBackwards) {
  const MandelbrotFrame frame = mandelbrot_frame(0.5, -2.0, 1.25, -1.25, 40, 30, 100);
  EXPECT_EQ(draw(frame), draw_by_formula(frame));
}

TEST(Mandelbrot, TakesAnEmptyImage) {
  EXPECT_TRUE(draw(mandelbrot_frame(-2.0, 0.5, -1.0, 1.0, 0, 10, 100)).empty());
  EXPECT_TRUE(draw(mandelbrot_frame(-2.0, 0.5, -1.0, 1.0, 10, 0, 100)).empty());
}

// Without a look at the checkpoint within a pixel this would run for hours.
TEST(Mandelbrot, StopsInsideAPixelThatNeverEscapes) {
  const MandelbrotFrame frame =
      mandelbrot_frame(0.0, 0.0, 0.0, 0.0, 100, 100, std::numeric_limits<std::int32_t>::max());
  for (const int threads : {1, 2}) {
    std::vector<std::int32_t> image(10'000);
    pool::Cancellation cancellation;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      cancellation.request();
    });
    EXPECT_EQ(mandelbrot(frame, image.data(), {threads, &cancellation}), Outcome::cancelled);
  }
}

}  // namespace
}  // namespace nativeconc::kernels
