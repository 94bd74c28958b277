// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The way to stop a running kernel: a flag that any thread may raise, and a question that the
// calling thread asks the outside world now and then.
//
// The core knows nothing of signals. Whoever starts a kernel may hand over a `poll` function; the
// seam's runs Python's signal handlers. It is called by the thread that started the kernel and by
// no other, at most once every kPollIntervalNs.
//
// Invariant: once requested() is true it stays true.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"

namespace nativeconc::pool {

class Cancellation {
 public:
  using Poll = bool (*)(void* context);  // true: stop

  static constexpr std::int64_t kPollIntervalNs = 50'000'000;

  explicit Cancellation(Poll poll = nullptr, void* context = nullptr)
      : poll_(poll), context_(context), next_poll_ns_(monotonic_ns() + kPollIntervalNs) {}

  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // Any thread.
  void request() { requested_.store(true, std::memory_order_relaxed); }  // a hint, orders nothing
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

  // The starting thread only. May run arbitrary code, even code that forks.
  bool poll_if_due();

 private:
  std::atomic<bool> requested_{false};
  Poll poll_;
  void* context_;
  std::int64_t next_poll_ns_;
};

}  // namespace nativeconc::pool
