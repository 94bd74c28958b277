// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sleeping on a 32-bit word and waking its sleepers: the one primitive all waits are built on.
//
// Any thread; nothing here allocates or keeps state, so it works after fork as before. The word
// must stay mapped while anyone sleeps on it. Every wait may end spuriously: callers look at their
// word again, whatever the result.
#pragma once

#include <cstdint>

#include "nativeconc/base/deadline.hpp"

namespace nativeconc::os {

// Who may sleep on a word. Waking across scopes does not work.
enum class Scope { threads, processes };

enum class FutexResult {
  woken,        // woken, or the word no longer held `expected`, or for no reason
  timed_out,    // the deadline passed
  interrupted,  // a signal handler ran on this thread
};

// Sleepers may listen on some of 32 channels, and a wake reaches only those that listen on one of
// its own.
inline constexpr std::uint32_t kAllChannels = 0xffff'ffff;

FutexResult futex_wait(const std::uint32_t* word, std::uint32_t expected, Deadline deadline,
                       Scope scope, std::uint32_t channels = kAllChannels);

// Wakes the longest sleeper on any of the channels; false if there is none.
bool futex_wake_one(const std::uint32_t* word, Scope scope, std::uint32_t channels = kAllChannels);

// Wakes every sleeper on any of the channels.
void futex_wake_all(const std::uint32_t* word, Scope scope, std::uint32_t channels = kAllChannels);

}  // namespace nativeconc::os
