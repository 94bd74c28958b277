// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The first bytes of every lock, semaphore and the like in shared memory: what it is, and how often
// somebody waited for it.
//
// Written once, before anybody else can see the memory; the totals change by atomic operations
// alone. Any thread of any process reads it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/shared/thread_directory.hpp"
#include "nativeconc/sync/wait_stats.hpp"

namespace nativeconc::shared {

enum class PrimitiveKind : std::uint32_t {
  lock = 1,
  rlock = 2,
  semaphore = 3,
  bounded_semaphore = 4,
  condition = 5,
  event = 6,
  barrier = 7,
  rwlock = 8,
};

struct PrimitiveHeader {
  PrimitiveKind kind;
  std::uint32_t padding;
  std::uint64_t uid;    // of all primitives of its directory, never given out twice
  SegmentId directory;  // what its thread numbers mean something in
  sync::WaitTotals totals;
};
static_assert(sizeof(PrimitiveHeader) == 56);
static_assert(std::is_standard_layout_v<PrimitiveHeader>);

// Of fresh memory, all zero. Throws SharedError.
void begin_primitive(PrimitiveHeader& header, PrimitiveKind kind);

// Why this process cannot use it as such a thing; null if it can. Any bytes are safe. Throws
// SharedError.
const char* why_not(const PrimitiveHeader& header, PrimitiveKind kind);

// What lies in the memory of a primitive.
template <class State>
struct Primitive {
  PrimitiveHeader header;
  alignas(64) State state;
};

}  // namespace nativeconc::shared
