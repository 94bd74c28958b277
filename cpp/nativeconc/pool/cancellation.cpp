// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/cancellation.hpp"

namespace nativeconc::pool {

bool Cancellation::poll_if_due() {
  if (poll_ != nullptr && !requested()) {
    if (monotonic_ns() >= next_poll_ns_) {
      if (poll_(context_)) request();
      // Counted from the end: a poll that was itself slow must not starve the kernel.
      next_poll_ns_ = monotonic_ns() + kPollIntervalNs;
    }
  }
  return requested();
}

}  // namespace nativeconc::pool
