// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What one thread tells all processes about its wait: a note in its slot of the directory of
// threads. How notes lie in shared memory; what they mean: wait_board.hpp.
//
// Written by its own thread alone, read by anybody at any time. The sequence tells a reader that it
// has read half an old note and half a new one; a thread that is killed while it writes leaves the
// sequence odd, until the next one that has the slot writes.
//
//   flags    bits 0..1 the mode (deadlock::Mode), bit 2 certain, bit 3 takes part, bit 4 timed
//   blocker  bits 0..29 the number of a thread, bits 30..31 how it holds it (deadlock::Mode)
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace nativeconc::shared {

inline constexpr std::size_t kMostBlockers = 8;

// For people. Each ends with a zero byte; empty if it is not known.
struct WaitText {
  std::array<char, 24> process;
  std::array<char, 32> thread;
  std::array<char, 16> kind;  // of the lock, and its name
  std::array<char, 40> lock;
  std::array<char, 128> file;  // where it waits
  std::array<char, 40> function;
};
static_assert(sizeof(WaitText) == 280);
static_assert(std::is_trivially_copyable_v<WaitText>);

struct alignas(64) WaitNote {
  static constexpr std::size_t kTextWords = sizeof(WaitText) / sizeof(std::uint64_t);

  std::atomic<std::uint32_t> sequence;  // odd while it is being written
  std::atomic<std::uint32_t> number;    // of the thread
  std::atomic<std::uint64_t> wait;      // the number of the wait; 0: none
  std::atomic<std::uint64_t> since;     // tickets: see wait_board.hpp
  std::atomic<std::uint64_t> looked;
  std::atomic<std::uint64_t> seen;
  std::atomic<std::uint64_t> uid;    // of a shared primitive; 0: a lock of the thread's process
  std::atomic<std::uint64_t> lock;   // tells locks of one process apart
  std::atomic<std::uint64_t> ident;  // pthread_self, which is Python's threading.get_ident()
  std::atomic<std::uint32_t> flags;
  std::atomic<std::int32_t> line;
  std::array<std::atomic<std::uint32_t>, kMostBlockers> blockers;  // 0: no more
  std::array<std::atomic<std::uint64_t>, kTextWords> text;         // the bytes of a WaitText

  static constexpr std::uint32_t kMode = 3;
  static constexpr std::uint32_t kCertain = 1U << 2;
  static constexpr std::uint32_t kTakesPart = 1U << 3;
  static constexpr std::uint32_t kTimed = 1U << 4;
};
static_assert(sizeof(WaitNote) == 384);
static_assert(offsetof(WaitNote, blockers) == 72);
static_assert(offsetof(WaitNote, text) == 104);
static_assert(std::is_standard_layout_v<WaitNote>);

}  // namespace nativeconc::shared
