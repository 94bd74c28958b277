// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Pi by throwing n points into the unit square and counting those inside the quarter circle.
//
// Any thread, several at once, after fork.
// Invariant: sample i is Philox4x32-10 of counter (i's lower word, i's upper word, 0, 0) and the
// seed's two words as key; x is the top 53 bits of (w1, w0) times 2^-53, y those of (w3, w2); it is
// inside if x*x + y*y < 1, each operation rounded. So the result depends on n and the seed alone.
#pragma once

#include <cstdint>

#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

inline constexpr std::int64_t kMonteCarloPiLimit = std::int64_t{1} << 53;  // exact as a double

// 1 <= n <= kMonteCarloPiLimit. Throws std::bad_alloc, before any work.
pool::Outcome monte_carlo_pi(std::int64_t n, std::uint64_t seed, const pool::Execution& execution,
                             double& out);

// A rough cost on one thread.
double monte_carlo_pi_estimated_ns(std::int64_t n);

}  // namespace nativeconc::kernels
