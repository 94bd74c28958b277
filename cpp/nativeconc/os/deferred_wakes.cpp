// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/deferred_wakes.hpp"

#include <array>

#include "nativeconc/os/futex.hpp"

namespace nativeconc::os {

constinit thread_local std::uint32_t detail::wakes_owed = 0;

namespace {

struct Sleepers {
  std::array<const std::uint32_t*, 8> words{};
  ~Sleepers() { wake_deferred(); }
};
thread_local Sleepers sleepers;

}  // namespace

void defer_wake(const std::uint32_t* word) {
  if (detail::wakes_owed == sleepers.words.size()) {
    futex_wake_one(word, Scope::threads);
    return;
  }
  sleepers.words[detail::wakes_owed++] = word;
}

void detail::wake_deferred_slowly() {
  while (wakes_owed > 0) futex_wake_one(sleepers.words[--wakes_owed], Scope::threads);
}

}  // namespace nativeconc::os
