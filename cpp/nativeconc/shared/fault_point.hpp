// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Places where a process may be made to die, between any two steps of what survives deaths.
//
// In builds with NATIVECONC_FAULT_POINTS (tests alone) a test says after how many of them its
// process is to be killed, and tries every number; elsewhere they are nothing. Any thread.
#pragma once

#if defined(NATIVECONC_FAULT_POINTS)

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace nativeconc::shared {

// How many are still to be passed; less than 0: none kills.
inline std::atomic<int> fault_points_left{-1};

// What the process is sent then: SIGSTOP leaves it in the midst of what it does.
inline std::atomic<int> fault_signal{SIGKILL};

inline void fault_point() {
  if (fault_points_left.load(std::memory_order_relaxed) < 0) return;
  if (fault_points_left.fetch_sub(1, std::memory_order_relaxed) == 0)
    kill(getpid(), fault_signal.load(std::memory_order_relaxed));
}

}  // namespace nativeconc::shared

#else

namespace nativeconc::shared {
inline void fault_point() {}
}  // namespace nativeconc::shared

#endif
