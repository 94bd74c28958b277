// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How often and how long threads waited for a primitive. Counted only where a thread waits, so that
// taking what is free costs nothing more.
//
// Any thread; the totals may lie in shared memory, and any process may add to them. In a forked
// child nobody waits; the other figures go on from those of the parent.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/os/fork_generation.hpp"

namespace nativeconc::sync {

// Of waits that are over. All zero bytes are none.
class WaitTotals {
 public:
  void add(std::uint64_t ns) {
    waited_.fetch_add(1, std::memory_order_relaxed);
    total_ns_.fetch_add(ns, std::memory_order_relaxed);
    std::uint64_t max = max_ns_.load(std::memory_order_relaxed);
    while (ns > max && !max_ns_.compare_exchange_weak(max, ns, std::memory_order_relaxed)) {
    }
  }

  std::uint64_t waited() const { return waited_.load(std::memory_order_relaxed); }
  std::uint64_t total_ns() const { return total_ns_.load(std::memory_order_relaxed); }
  std::uint64_t max_ns() const { return max_ns_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> waited_{0};
  std::atomic<std::uint64_t> total_ns_{0};
  std::atomic<std::uint64_t> max_ns_{0};
};

class WaitStats {
 public:
  // Returns the time, for end().
  std::int64_t begin() {
    std::uint64_t now = waiting_.load(std::memory_order_relaxed);
    while (
        !waiting_.compare_exchange_weak(now, in_generation(now) + 1, std::memory_order_relaxed)) {
    }
    return monotonic_ns();
  }

  // Returns how long it was.
  std::uint64_t end(std::int64_t since_ns) {
    const auto ns = static_cast<std::uint64_t>(monotonic_ns() - since_ns);
    std::uint64_t now = waiting_.load(std::memory_order_relaxed);
    while (!waiting_.compare_exchange_weak(now, one_less(in_generation(now)),
                                           std::memory_order_relaxed)) {
    }
    totals_.add(ns);
    return ns;
  }

  const WaitTotals& totals() const { return totals_; }
  std::uint32_t waiting() const {
    return static_cast<std::uint32_t>(in_generation(waiting_.load(std::memory_order_relaxed)));
  }

 private:
  // A count in the low half, the fork generation it belongs to in the high half.
  static std::uint64_t in_generation(std::uint64_t waiting) {
    const std::uint64_t generation = os::fork_generation();
    return waiting >> 32 == generation ? waiting : generation << 32;
  }
  // A signal handler of the waiting thread may have forked: its child counts from zero.
  static std::uint64_t one_less(std::uint64_t waiting) {
    return static_cast<std::uint32_t>(waiting) == 0 ? waiting : waiting - 1;
  }

  std::atomic<std::uint64_t> waiting_{0};
  WaitTotals totals_;
};

}  // namespace nativeconc::sync
