// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Numbers for threads that are never given out twice, unlike the ids of the system and of Python: a
// new thread can never be taken for one that has ended while it held a lock.
//
// Any thread; the forking thread keeps its number in the child. Reading one's own number costs two
// instructions: locks put it into their word.
#pragma once

#include <cstdint>

namespace nativeconc::deadlock {

using ThreadId = std::uint32_t;
inline constexpr ThreadId kNobody = 0;

namespace detail {
// initial-exec: a fixed offset from the thread pointer, no function call. It takes four bytes of
// the space that the C library keeps for libraries which are loaded later.
extern constinit thread_local ThreadId this_thread [[gnu::tls_model("initial-exec")]];
ThreadId register_this_thread();
}  // namespace detail

inline ThreadId this_thread() {
  const ThreadId id = detail::this_thread;
  return id != kNobody ? id : detail::register_this_thread();
}

}  // namespace nativeconc::deadlock
