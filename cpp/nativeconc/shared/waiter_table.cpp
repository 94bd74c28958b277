// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/waiter_table.hpp"

#include "nativeconc/shared/slice.hpp"

namespace nativeconc::shared {

namespace {

const std::uint32_t* low_half(const std::atomic<std::uint64_t>& word) {
  return reinterpret_cast<const std::uint32_t*>(&word);
}

}  // namespace

os::FutexResult detail::WaiterWorld::sleep(const std::atomic<std::uint64_t>& word,
                                           std::uint32_t expected, Deadline deadline) {
  return os::futex_wait(low_half(word), expected, next_slice(deadline), os::Scope::processes);
}

void detail::WaiterWorld::wake(const std::atomic<std::uint64_t>& word, os::Wake when) {
  os::wake_one(low_half(word), os::Scope::processes, when);
}

template class detail::WaiterTable<detail::WaiterWorld, kMostWaiters>;

}  // namespace nativeconc::shared
