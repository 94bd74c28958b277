// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/monte_carlo_pi.hpp"

#include <gtest/gtest.h>

#include <array>

#include "every_path.hpp"
#include "nativeconc/kernels/philox.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;
using Words = std::array<std::uint32_t, 4>;

Words philox(const Words& counter, std::uint32_t key_lo, std::uint32_t key_hi) {
  PhiloxWords<std::uint64_t> words{counter[0], counter[1], counter[2], counter[3]};
  philox4x32_10(key_lo, key_hi, words);
  return {static_cast<std::uint32_t>(words.w0), static_cast<std::uint32_t>(words.w1),
          static_cast<std::uint32_t>(words.w2), static_cast<std::uint32_t>(words.w3)};
}

// The known answers that the authors of Philox publish.
TEST(Philox, GivesThePublishedWords) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, kOnes, kOnes),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

double model(std::int64_t n, std::uint64_t seed) {
  std::int64_t inside = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    const Words w =
        philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 0},
               static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
    const auto fraction = [](std::uint64_t low, std::uint64_t high) {
      return static_cast<double>(((high << 32) | low) >> 11) * 0x1p-53;
    };
    const double x = fraction(w[0], w[1]);
    const double y = fraction(w[2], w[3]);
    inside += x * x + y * y < 1.0 ? 1 : 0;
  }
  return 4.0 * static_cast<double>(inside) / static_cast<double>(n);
}

TEST(MonteCarloPi, IsItsDefinitionOnEveryPath) {
  for (const std::int64_t n : {1, 2, 7, 8, 9, 65'535, 65'537, 200'003}) {
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{0xfedc'ba98'7654'3210}}) {
      const double expected = model(n, seed);
      on_every_path([&](const Execution& execution) {
        double pi = 0.0;
        EXPECT_EQ(monte_carlo_pi(n, seed, execution, pi), Outcome::done);
        EXPECT_EQ(pi, expected) << n << " samples, seed " << seed;
      });
    }
  }
}

TEST(MonteCarloPi, ComesNearPi) {
  double pi = 0.0;
  EXPECT_EQ(monte_carlo_pi(2'000'000, 1, {}, pi), Outcome::done);
  EXPECT_NEAR(pi, 3.14159, 0.01);
}

TEST(MonteCarloPi, CanBeCancelledAtTheLargestSize) {
  AlreadyCancelled cancelled;
  double pi = 0.0;
  EXPECT_EQ(monte_carlo_pi(kMonteCarloPiLimit, 0, cancelled.execution(1), pi), Outcome::cancelled);
  EXPECT_EQ(monte_carlo_pi(kMonteCarloPiLimit, 0, cancelled.execution(2), pi), Outcome::cancelled);
}

}  // namespace
}  // namespace nativeconc::kernels
