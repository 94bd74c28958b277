// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/deferred_wakes.hpp"

#include <array>

namespace nativeconc::os {

constinit thread_local std::uint32_t detail::wakes_owed = 0;

namespace {

struct Sleeper {
  const std::uint32_t* word;
  Scope scope;
};

struct Sleepers {
  std::array<Sleeper, 8> owed{};
  ~Sleepers() { wake_deferred(); }
};
thread_local Sleepers sleepers;

}  // namespace

void wake_one(const std::uint32_t* word, Scope scope, Wake when) {
  if (when == Wake::now || detail::wakes_owed == sleepers.owed.size()) {
    futex_wake_one(word, scope);
  } else {
    sleepers.owed[detail::wakes_owed++] = {word, scope};
  }
}

void detail::wake_deferred_slowly() {
  while (wakes_owed > 0) {
    const Sleeper sleeper = sleepers.owed[--wakes_owed];
    futex_wake_one(sleeper.word, sleeper.scope);
  }
}

}  // namespace nativeconc::os
