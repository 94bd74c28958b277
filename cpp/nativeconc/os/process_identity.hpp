// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Which process this is, so that others can tell later whether it still lives.
//
// Any thread, and in a child just forked (also between fork and exec): no allocation, no lock.
// A pid alone is not enough: it is given to another process some time after its owner's death, and
// means another process in another pid namespace (container). Of two processes with one pid in one
// namespace, the start times differ.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace nativeconc::os {

inline constexpr std::uint64_t kUnknownStartTime = std::numeric_limits<std::uint64_t>::max();

struct ProcessIdentity {
  std::int32_t pid = 0;
  std::uint64_t start_time = kUnknownStartTime;  // clock ticks since boot; unknown agrees with any
  std::uint64_t pid_namespace = 0;               // its inode; 0: unknown, agrees with any

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// Read once a process, then a system call's price.
ProcessIdentity this_process() noexcept;

// The process with this pid in this process's namespace; nullopt if there is none, or if it has
// ended and only waits for its parent to ask. A process whose first thread alone has ended lives.
std::optional<ProcessIdentity> read_process(std::int32_t pid) noexcept;

// Whether exactly this process still runs; false too if it belongs to another pid namespace, where
// this process cannot look. If /proc is missing or hides the process, one with its pid is taken for
// it: to take a living owner for dead is the worse error.
bool is_alive(const ProcessIdentity& process) noexcept;

}  // namespace nativeconc::os
