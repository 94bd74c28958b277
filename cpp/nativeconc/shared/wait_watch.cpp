// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/wait_watch.hpp"

namespace nativeconc::shared {

void WaitWatch::begin() {
  if (notice_.wait == 0) notice_.wait = next_wait();
  is_up_ = put_up(notice_);
}

void WaitWatch::end() {
  if (is_up_) take_down();
  is_up_ = false;
}

bool WaitWatch::end_look(const Blockers& blockers, std::int64_t grace_ns) {
  shared::end_look(looked_, blockers);
  const ThreadNumber me = this_thread_number();
  const Cycle cycle = find_cycle(me);
  if (cycle.state == Cycle::State::none || cycle.signature == settled_) {
    hurries_ = false;
    return false;
  }
  const std::int64_t now_ns = monotonic_ns();
  if (cycle.signature != suspect_) {
    suspect_ = cycle.signature;
    suspect_ns_ = now_ns;
  }
  const std::int64_t age_ns = now_ns - suspect_ns_;
  const bool is_old_enough = cycle.is_certain || age_ns >= grace_ns;
  // All of them hurry: each has to see that nothing has changed.
  const std::int64_t due_ns = cycle.is_certain ? 0 : grace_ns;
  hurries_ = age_ns < kHurryNs || (is_old_enough && age_ns - due_ns < kHurryNs);
  if (cycle.state != Cycle::State::proven || cycle.victim != me || !is_old_enough) return false;
  settled_ = cycle.signature;
  return true;
}

Deadline WaitWatch::nap() const { return Deadline::after(hurries_ ? kHurriedLookNs : kLookNs); }

}  // namespace nativeconc::shared
