// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How a queue lies in shared memory. Who may write what: queue_ends.hpp and queue.hpp.
//
//   0    QueueLayout; an empty queue is all zero bytes, but for the two constants
//   192  the ring
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/shared/bell.hpp"
#include "nativeconc/shared/ledger.hpp"
#include "nativeconc/shared/robust_mutex.hpp"
#include "nativeconc/shared/segment_header.hpp"

namespace nativeconc::shared {

// What one side of a queue shares: a cache line that the other side mostly reads.
struct alignas(64) QueueSide {
  RobustMutex mutex;  // of those who write the ledger
  Bell bell;          // rung after the ledger has changed; the other side sleeps on it
  Ledger ledger;
};
static_assert(sizeof(QueueSide) == 64);
static_assert(offsetof(QueueSide, ledger) == 8);

struct QueueLayout {
  QueueSide producers;
  QueueSide consumers;
  std::atomic<std::uint64_t> next_tag;  // the last tag of a letter; under the producers' mutex
  std::atomic<std::uint32_t> closed;    // 1: for ever; set under the producers' mutex
  std::uint32_t padding;
  // Constants, written before anybody else sees the memory.
  std::uint64_t capacity;
  SegmentId directory;  // what the numbers in the mutexes mean something in
  std::array<std::uint64_t, 3> reserved;
};
static_assert(sizeof(QueueLayout) == 192);
static_assert(offsetof(QueueLayout, next_tag) == 128);
static_assert(offsetof(QueueLayout, closed) == 136);
static_assert(offsetof(QueueLayout, capacity) == 144);
static_assert(offsetof(QueueLayout, directory) == 152);
static_assert(std::is_standard_layout_v<QueueLayout>);

}  // namespace nativeconc::shared
