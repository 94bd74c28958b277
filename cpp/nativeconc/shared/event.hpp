// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A flag between processes. It is sync::Event in shared memory: the same word, the same waits.
//
// Any thread of any process; all zero bytes are a flag that is not set. After fork the child uses
// the same flag.
//
// A dead waiter leaves nothing behind. A dead setter has set the flag, or has not; if it died
// before it woke the others, they find out for themselves after a slice (slice.hpp).
#pragma once

#include <cstdint>
#include <type_traits>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/sync/event.hpp"

namespace nativeconc::shared {

class Event {
 public:
  bool is_set() const { return event_.is_set(); }

  // Sets the flag and lets everybody through who waits. Never blocks.
  void set();

  void clear() { event_.clear(); }

  // How often the flag has been set. A wait begins with it.
  std::uint64_t epoch() const { return event_.epoch(); }

  // Looks for that for some microseconds: see sync/spin.hpp.
  bool spin(std::uint64_t epoch) { return event_.spin(epoch); }

  // Waits until the flag is set, or has been set since `epoch`. Blocks; call it without the GIL.
  // May be called again, with the same epoch, until it says `acquired`.
  WaitResult wait(std::uint64_t epoch, Deadline deadline);

 private:
  sync::BasicEvent<os::Scope::processes> event_;
};
static_assert(sizeof(Event) == 16);
static_assert(std::is_standard_layout_v<Event>);

}  // namespace nativeconc::shared
