// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How a queue lies in shared memory. Who may write what: queue_ends.hpp and queue.hpp.
//
//   0    QueueLayout; all zero bytes are an empty queue
//   192  the ring
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/shared/bell.hpp"
#include "nativeconc/shared/ledger.hpp"
#include "nativeconc/shared/robust_mutex.hpp"

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
  std::atomic<std::uint64_t> directory;  // whose numbers the mutexes have; 0: nobody's yet
  std::array<std::uint64_t, 5> reserved;
};
static_assert(sizeof(QueueLayout) == 192);
static_assert(offsetof(QueueLayout, next_tag) == 128);
static_assert(offsetof(QueueLayout, closed) == 136);
static_assert(offsetof(QueueLayout, directory) == 144);
static_assert(std::is_standard_layout_v<QueueLayout>);

}  // namespace nativeconc::shared
