// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Adds numbers in a perfect binary tree: neighbours first, then neighbouring pairs, and so on.
//
// Pure function of its input; any thread.
// Invariant: the tree depends on the count alone. A node without a right neighbour moves up
// unchanged, so the tree over n leaves is the perfect tree over the next power of two, with the
// missing leaves left out. Hence the root over 2^k consecutive leaves that start at a multiple of
// 2^k is a node of every larger tree, and work may be cut there without changing a bit.
#pragma once

#include <cstdint>

namespace nativeconc::kernels {

// n >= 1. Overwrites `values`.
template <class Number>
Number pairwise_sum_in_place(Number* values, std::int64_t n) {
  while (n > 1) {
    const std::int64_t pairs = n / 2;
    for (std::int64_t i = 0; i < pairs; ++i) values[i] = values[2 * i] + values[2 * i + 1];
    if (n % 2 != 0) values[pairs] = values[n - 1];
    n = pairs + n % 2;
  }
  return values[0];
}

}  // namespace nativeconc::kernels
