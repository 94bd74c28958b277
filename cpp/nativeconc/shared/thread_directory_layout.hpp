// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How the directory of threads lies in shared memory. Who may write what: thread_directory.hpp.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/shared/wait_note.hpp"

namespace nativeconc::shared {

inline constexpr int kThreadSlotBits = 13;
inline constexpr std::uint32_t kThreadSlots = 1U << kThreadSlotBits;
inline constexpr int kProcessSlotBits = 12;
inline constexpr std::uint32_t kProcessSlots = 1U << kProcessSlotBits;

struct alignas(64) ThreadSlot {
  pthread_mutex_t token;  // robust; locked by its thread while that lives
  std::atomic<std::uint32_t> number;
  std::atomic<std::int32_t> pid;
  std::atomic<std::int32_t> tid;
  std::atomic<std::uint32_t> process;
};
static_assert(sizeof(ThreadSlot) == 64);
static_assert(std::is_standard_layout_v<ThreadSlot>);

struct ProcessSlot {
  std::atomic<std::uint32_t> number;
  std::atomic<std::int32_t> pid;
};
static_assert(sizeof(ProcessSlot) == 8);

struct DirectoryLayout {
  std::atomic<std::uint32_t> span;         // slots that are in use by now: a power of two
  std::atomic<std::uint32_t> next_thread;  // where to look for a free one
  std::atomic<std::uint32_t> next_process;
  std::uint32_t padding;
  std::atomic<std::uint64_t> last_uid;     // of a primitive
  std::atomic<std::uint64_t> last_ticket;  // of the board of waits (wait_board.hpp)
  std::array<ProcessSlot, kProcessSlots> processes;
  std::array<ThreadSlot, kThreadSlots> threads;
  std::array<WaitNote, kThreadSlots> notes;  // of the thread in the slot of the same number
};
static_assert(offsetof(DirectoryLayout, processes) == 32);
static_assert(offsetof(DirectoryLayout, threads) % 64 == 0);
static_assert(offsetof(DirectoryLayout, notes) % 64 == 0);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The directory that this process uses; null as long as it uses none.
DirectoryLayout* known_directory() noexcept;

}  // namespace nativeconc::shared
