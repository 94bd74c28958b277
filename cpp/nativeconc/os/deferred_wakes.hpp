// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Wake-ups that a thread owes to others and puts off: who is woken while the lock that it needs
// next is still held would only go to sleep again.
//
// Each thread has its own. It pays when it releases an RLock or a shared lock, before it sleeps
// itself, and when it ends; so whoever is owed a wake-up never misses more than the rest of a
// critical section. If its process is killed before that, those in other processes look by
// themselves (shared/slice.hpp). In a forked child the wake-ups of the forking thread do no harm.
#pragma once

#include <cstdint>

#include "nativeconc/os/futex.hpp"

namespace nativeconc::os {

namespace detail {
// initial-exec: see deadlock/thread_id.hpp.
extern constinit thread_local std::uint32_t wakes_owed [[gnu::tls_model("initial-exec")]];
void wake_deferred_slowly();
}  // namespace detail

enum class Wake { now, later };

// Wakes one sleeper on the word: later, if it is to be so and there is room. The word may be gone
// by then: the wake-up uses its address alone.
void wake_one(const std::uint32_t* word, Scope scope, Wake when);

// Wakes all who are owed it. Never blocks.
inline void wake_deferred() {
  if (detail::wakes_owed > 0) [[unlikely]]
    detail::wake_deferred_slowly();
}

}  // namespace nativeconc::os
