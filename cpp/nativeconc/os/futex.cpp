// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <limits>

namespace nativeconc::os {
namespace {

int operation(int op, Scope scope) {
  return scope == Scope::threads ? op | FUTEX_PRIVATE_FLAG : op;
}

}  // namespace

FutexResult futex_wait(const std::uint32_t* word, std::uint32_t expected, Deadline deadline,
                       Scope scope, std::uint32_t channels) {
  // FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC, so a repeated wait cannot drift.
  timespec when{};
  if (!deadline.is_never()) {
    when.tv_sec = static_cast<std::time_t>(deadline.when_ns() / 1'000'000'000);
    when.tv_nsec = static_cast<long>(deadline.when_ns() % 1'000'000'000);
  }
  const long rc = syscall(SYS_futex, word, operation(FUTEX_WAIT_BITSET, scope), expected,
                          deadline.is_never() ? nullptr : &when, nullptr, channels);
  if (rc == 0) return FutexResult::woken;
  switch (errno) {
    case ETIMEDOUT:
      return FutexResult::timed_out;
    case EINTR:
      return FutexResult::interrupted;
    default:
      return FutexResult::woken;
  }
}

bool futex_wake_one(const std::uint32_t* word, Scope scope, std::uint32_t channels) {
  return syscall(SYS_futex, word, operation(FUTEX_WAKE_BITSET, scope), 1, nullptr, nullptr,
                 channels) > 0;
}

void futex_wake_all(const std::uint32_t* word, Scope scope, std::uint32_t channels) {
  constexpr int kEverybody = std::numeric_limits<int>::max();
  syscall(SYS_futex, word, operation(FUTEX_WAKE_BITSET, scope), kEverybody, nullptr, nullptr,
          channels);
}

}  // namespace nativeconc::os
