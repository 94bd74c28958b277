// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What nc.deadlock.enable() has set. Any thread may read it, without the GIL too.
#pragma once

#include <atomic>
#include <cstdint>

namespace nativeconc::seam {

struct DeadlockSettings {
  std::atomic<bool> raises{false};  // DeadlockError, not a warning, for suspected cycles
  std::atomic<std::int64_t> grace_ns{1'000'000'000};
  std::atomic<bool> order{false};   // look at the order in which locks are taken
  std::atomic<bool> stacks{false};  // remember where locks were taken
};

DeadlockSettings& deadlock_settings();

}  // namespace nativeconc::seam
