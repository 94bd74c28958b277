// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sorts many lanes of one length: short ones side by side, long ones one after the other, each on
// all cores.
//
// Any thread, several at once, after fork. Sources and sinks are asked for by lane; see
// radix_sort.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <new>

#include "nativeconc/kernels/radix_sort.hpp"
#include "nativeconc/kernels/work_memory.hpp"

namespace nativeconc::kernels {

// source(lane) and sink(lane) give a RecordSource and a RecordSink of `length` records.
// Throws std::bad_alloc.
template <class Kind, class SourceOf, class SinkOf>
pool::Outcome sort_lanes(std::int64_t n_lanes, std::int64_t length, const SourceOf& source,
                         const SinkOf& sink, const pool::Execution& execution) {
  using Record = typename Kind::Record;
  if (n_lanes == 0 || length == 0) return pool::Outcome::done;
  if (length >= kLargeSort) {
    for (std::int64_t lane = 0; lane < n_lanes; ++lane) {
      const auto outcome = sort_large<Kind>(length, source(lane), sink(lane), execution);
      if (outcome == pool::Outcome::cancelled) return outcome;
    }
    return pool::Outcome::done;
  }
  const std::int64_t lanes_at_once = std::max<std::int64_t>(1, kLargeSort / 4 / length);
  const std::int64_t n_chunks = (n_lanes - 1) / lanes_at_once + 1;
  std::atomic<bool> no_memory{false};  // relaxed: read after the end of the run alone
  const auto outcome = pool::parallel_for(
      n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
        constexpr std::int64_t kOnStack = 128;
        Record on_stack[2 * kOnStack];
        WorkMemory<Record> memory;
        if (length > kOnStack && !memory.try_allocate(2 * length)) {
          no_memory.store(true, std::memory_order_relaxed);
          return;
        }
        Record* const spare = length > kOnStack ? memory.data() : on_stack;
        const std::int64_t end = std::min(n_lanes, (chunk + 1) * lanes_at_once);
        for (std::int64_t lane = chunk * lanes_at_once; lane < end; ++lane) {
          const auto lane_sink = sink(lane);
          Record* const place = lane_sink.place(0);
          Record* const target = place != nullptr ? place : spare + length;
          source(lane).fill(0, length, target);
          if (!sort_records<Kind>(target, target, spare, length, checkpoint)) return;
          lane_sink.emit(0, length, target);
        }
      });
  if (no_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
  return outcome;
}

}  // namespace nativeconc::kernels
