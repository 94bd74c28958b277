// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/order_statistics.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <vector>

#include "nativeconc/kernels/bracket_selection.hpp"
#include "nativeconc/kernels/cell_selection.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;

// For kLargeSelection keys or more.
template <class T>
Outcome select(const KeySource<T>& source, Ranks ranks, const pool::Execution& execution,
               Key<T>* out) {
  // Keys of one or two bytes are counted, each by itself.
  if constexpr (sizeof(T) > 2) {
    bool found = false;
    const auto outcome = BracketSelection<T>(execution).select(source, ranks, out, found);
    if (outcome == Outcome::cancelled || found) return outcome;
  }
  return CellSelection<T>(execution).select(source, ranks, 0, out);
}

template <class T>
Outcome statistics_of(const ArrayView& a, int axis, Ranks ranks, const pool::Execution& execution,
                      unsigned char* out) {
  const RowMajor elements(a, axis);
  if (elements.size() == 0 || ranks.empty()) return Outcome::done;
  const std::int64_t length = lane_length(a, axis);
  const std::int64_t n_lanes = elements.size() / length;
  const auto n_ranks = static_cast<std::int64_t>(ranks.size());
  const auto write = [&](std::int64_t lane, const Key<T>* keys) {
    for (std::int64_t r = 0; r < n_ranks; ++r) {
      const T value = value_of<T>(keys[r]);
      std::memcpy(out + (lane * n_ranks + r) * static_cast<std::int64_t>(sizeof(T)), &value,
                  sizeof(T));
    }
  };
  if (length >= kLargeSelection) {
    std::vector<Key<T>> keys(ranks.size());
    for (std::int64_t lane = 0; lane < n_lanes; ++lane) {
      const KeySource<T> source(elements, lane * length, length);
      const auto outcome = select(source, ranks, execution, keys.data());
      if (outcome == Outcome::cancelled) return outcome;
      write(lane, keys.data());
    }
    return Outcome::done;
  }
  const std::int64_t lanes_at_once = std::max<std::int64_t>(1, kLargeSelection / 4 / length);
  std::atomic<bool> no_memory{false};  // relaxed: read after the end of the run alone
  const auto outcome = pool::parallel_for(
      (n_lanes - 1) / lanes_at_once + 1, execution,
      [&](std::int64_t chunk, const pool::Checkpoint&) {
        WorkMemory<Key<T>> memory;
        if (!memory.try_allocate(length + n_ranks)) {
          no_memory.store(true, std::memory_order_relaxed);
          return;
        }
        Key<T>* const keys = memory.data() + n_ranks;
        const std::int64_t end = std::min(n_lanes, (chunk + 1) * lanes_at_once);
        for (std::int64_t lane = chunk * lanes_at_once; lane < end; ++lane) {
          elements.visit<T>(lane * length, length,
                            [&](std::int64_t i, T value) { keys[i] = key_of(value); });
          select_in_place(keys, length, ranks, 0, memory.data());
          write(lane, memory.data());
        }
      });
  if (no_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
  return outcome;
}

}  // namespace

Outcome order_statistics(const ArrayView& a, int axis, Ranks ranks,
                         const pool::Execution& execution, void* out) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return statistics_of<T>(a, axis, ranks, execution, static_cast<unsigned char*>(out));
  });
}

double order_statistics_estimated_ns(const ArrayView& a) {
  return 300.0 + 6.0 * static_cast<double>(a.size());
}

}  // namespace nativeconc::kernels
