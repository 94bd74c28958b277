// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/event.hpp"

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/slice.hpp"

namespace nativeconc::shared {

void Event::set() {
  fault_point();
  if (!event_.set_unannounced()) return;
  fault_point();
  event_.wake_all();
}

WaitResult Event::wait(std::uint64_t epoch, Deadline deadline) {
  for (;;) {
    const WaitResult result = event_.wait(epoch, next_slice(deadline));
    if (result != WaitResult::timed_out || deadline.has_passed()) return result;
    fault_point();
  }
}

}  // namespace nativeconc::shared
