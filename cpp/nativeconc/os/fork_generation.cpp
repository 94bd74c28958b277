// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/fork_generation.hpp"

#include <pthread.h>

#include <atomic>

namespace nativeconc::os {
namespace {

// Written only in a child that still has one thread; relaxed is enough.
std::atomic<std::uint32_t> generation{0};

// Registered when the library is loaded, before anything can ask.
const int registered =
    pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

std::uint32_t fork_generation() {
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

}  // namespace nativeconc::os
