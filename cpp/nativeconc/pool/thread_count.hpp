// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How many threads a kernel uses when nobody says.
//
// Any thread. The first call reads the machine (affinity, cgroup quota, NATIVECONC_NUM_THREADS) and
// the answer is kept, also in forked children.
#pragma once

namespace nativeconc::pool {

inline constexpr int kMaxThreads = 1024;

// min(affinity, quota, NATIVECONC_NUM_THREADS), or what was set last.
// Throws std::invalid_argument when the environment variable is not a number from 1 to kMaxThreads.
int default_thread_count();

// Requires 1 <= count <= kMaxThreads.
void set_default_thread_count(int count);

}  // namespace nativeconc::pool
