// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared::Lock with a depth: its owner may take it again, and must release it as often.
//
// Any thread of any process; all zero bytes are a free one. The depth is the owner's alone to read
// and write; whoever takes the lock, also over from a dead owner, sets it anew.
#pragma once

#include <limits>

#include "nativeconc/shared/lock.hpp"

namespace nativeconc::shared {

class RLock {
 public:
  static constexpr std::uint32_t kMaxDepth = std::numeric_limits<std::uint32_t>::max();

  Lock& lock() { return lock_; }
  const Lock& lock() const { return lock_; }

  // relaxed: the owner's own, and for others a snapshot
  std::uint32_t depth() const { return depth_.load(std::memory_order_relaxed); }
  void set_depth(std::uint32_t depth) { depth_.store(depth, std::memory_order_relaxed); }

 private:
  Lock lock_;
  std::atomic<std::uint32_t> depth_{0};
  [[maybe_unused]] std::uint32_t padding_ = 0;
};
static_assert(sizeof(RLock) == 48);
static_assert(std::is_standard_layout_v<RLock>);

}  // namespace nativeconc::shared
