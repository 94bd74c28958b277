// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sorting numbers of one or two bytes: count how often each occurs, and write them down.
//
// Any thread, several at once, after fork. (Knuth, TAOCP 3, 5.2, algorithm D.)
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {

// Sorts elements first .. first + n - 1, n > 0. Throws std::bad_alloc.
template <class T>
pool::Outcome counting_sort(const RowMajor& elements, std::int64_t first, std::int64_t n,
                            const pool::Execution& execution, T* out) {
  static_assert(sizeof(T) <= 2);
  constexpr std::int64_t kValues = std::int64_t{1} << (8 * sizeof(T));
  constexpr std::int64_t kTables = sizeof(T) == 1 ? 4 : 1;  // equal neighbours do not wait
  constexpr std::int64_t kChunk = 1 << 17;
  const std::int64_t n_portions = std::clamp<std::int64_t>(n >> 18, 1, 64);
  const std::int64_t portion_size = (n - 1) / n_portions + 1;
  const WorkMemory<std::uint32_t> counts(n_portions * kTables * kValues);
  auto outcome = pool::parallel_for(
      n_portions, execution, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
        std::uint32_t* const mine = counts.data() + portion * kTables * kValues;
        std::fill_n(mine, kTables * kValues, 0U);
        const std::int64_t end = std::min(n, (portion + 1) * portion_size);
        for (std::int64_t at = portion * portion_size; at < end; at += kChunk) {
          elements.visit<T>(first + at, std::min(kChunk, end - at), [&](std::int64_t i, T value) {
            ++mine[(i % kTables) * kValues + key_of(value)];
          });
          if (n > kChunk && checkpoint.stop()) return;
        }
      });
  if (outcome == pool::Outcome::cancelled) return outcome;
  std::vector<std::int64_t> ends(
      static_cast<std::size_t>(kValues));  // of each value, in the result
  for (std::int64_t table = 0; table < n_portions * kTables; ++table) {
    const std::uint32_t* const some = counts.data() + table * kValues;
    for (std::int64_t v = 0; v < kValues; ++v) ends[static_cast<std::size_t>(v)] += some[v];
  }
  for (std::size_t v = 1; v < ends.size(); ++v) ends[v] += ends[v - 1];
  return pool::parallel_for(
      (n - 1) / kChunk + 1, execution, [&](std::int64_t chunk, const pool::Checkpoint&) {
        std::int64_t at = chunk * kChunk;
        const std::int64_t end = std::min(n, at + kChunk);
        auto value = std::upper_bound(ends.begin(), ends.end(), at);
        for (; at < end; ++value) {
          const std::int64_t until = std::min(end, *value);
          std::fill(out + at, out + until, value_of<T>(static_cast<Key<T>>(value - ends.begin())));
          at = until;
        }
      });
}

}  // namespace nativeconc::kernels
