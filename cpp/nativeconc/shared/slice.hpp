// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How long a thread sleeps at most before it looks again, where whoever should wake it may die.
//
// The kernel tells of a death by a word in memory (thread_directory.hpp), but wakes nobody who
// sleeps on another word. So every wait among processes is cut into slices: a death is noticed, and
// a wake-up that a dead one took with it is made up for, within one of them. Any thread.
#pragma once

#include "nativeconc/base/deadline.hpp"

namespace nativeconc::shared {

inline constexpr std::int64_t kSliceNs = 20'000'000;

// The end of the next slice of a wait.
inline Deadline next_slice(Deadline deadline) {
  return earlier(deadline, Deadline::after(kSliceNs));
}

}  // namespace nativeconc::shared
