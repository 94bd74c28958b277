// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How much memory this process can still fill before the kernel's out-of-memory killer comes.
//
// Any thread; not in a child just forked (it allocates). Reads files anew each time, some tens of
// microseconds. The answer is an estimate of this instant: others allocate and free meanwhile. It
// counts for shared memory, whose pages can be swapped but never dropped.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace nativeconc::os {

inline constexpr std::uint64_t kUnlimitedMemory = std::numeric_limits<std::uint64_t>::max();

// In bytes: the least of what the machine has left and what the memory limits of this process's
// control group and of its ancestors leave. kUnlimitedMemory if nothing can be read.
std::uint64_t available_memory();

// The same in a file system that starts at `root`: tests build small ones.
std::uint64_t read_available_memory(const std::string& root);

}  // namespace nativeconc::os
