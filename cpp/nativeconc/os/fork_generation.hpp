// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How many forks lie between this process and the one that loaded the library.
//
// Whatever remembers threads (waiters of a lock, workers of a pool) remembers the generation too: a
// child has only the thread that forked, so anything older is a memory of threads that do not
// exist. Any thread, and inside a pthread_atfork child handler. Constant between forks.
#pragma once

#include <cstdint>

namespace nativeconc::os {

std::uint32_t fork_generation();

}  // namespace nativeconc::os
