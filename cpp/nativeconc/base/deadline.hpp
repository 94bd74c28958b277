// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The one deadline type: a point on the monotonic clock, in nanoseconds, or "never".
// A plain value; may be used from any thread and is still right after fork.
#pragma once

#include <cstdint>
#include <limits>

namespace nativeconc {

// Nanoseconds on CLOCK_MONOTONIC, the clock that futexes wait on.
std::int64_t monotonic_ns();

class Deadline {
 public:
  static constexpr Deadline never() { return Deadline(kNever); }
  static constexpr Deadline at(std::int64_t when_ns) { return Deadline(when_ns); }
  static constexpr Deadline expired() { return Deadline(0); }

  // A negative timeout has already expired; one too long to represent never expires.
  static Deadline after(std::int64_t timeout_ns) {
    const std::int64_t now = monotonic_ns();
    if (timeout_ns <= 0) return Deadline(now);
    return timeout_ns > kNever - now ? never() : Deadline(now + timeout_ns);
  }

  constexpr bool is_never() const { return when_ns_ == kNever; }
  constexpr std::int64_t when_ns() const { return when_ns_; }
  bool has_passed() const { return !is_never() && monotonic_ns() >= when_ns_; }

  friend constexpr Deadline earlier(Deadline a, Deadline b) {
    return a.when_ns_ < b.when_ns_ ? a : b;
  }
  friend constexpr bool operator==(Deadline, Deadline) = default;

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  explicit constexpr Deadline(std::int64_t when_ns) : when_ns_(when_ns) {}

  std::int64_t when_ns_;
};

}  // namespace nativeconc
