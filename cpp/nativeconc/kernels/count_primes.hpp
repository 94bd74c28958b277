// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How many primes there are up to n, by a segmented sieve of Eratosthenes.
//
// Any thread, several at once, after fork.
// Invariants: segments are independent of one another; the memory used is a few hundred KiB a
// thread up to 10^9, at most about a MiB at the limit.
#pragma once

#include <cstdint>

#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

inline constexpr std::int64_t kCountPrimesLimit = 1'000'000'000'000;

// n <= kCountPrimesLimit; below 2 there are none. Throws std::bad_alloc.
pool::Outcome count_primes(std::int64_t n, const pool::Execution& execution, std::int64_t& out);

// A rough cost on one thread.
double count_primes_estimated_ns(std::int64_t n);

}  // namespace nativeconc::kernels
