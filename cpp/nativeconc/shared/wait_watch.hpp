// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One thread's wait as the board of waits sees it, from its beginning to its end: when to look who
// is in the way, and whether it is this thread that has to act against a deadlock.
//
//   WaitWatch watch(notice);
//   watch.begin();
//   do {
//     watch.begin_look();
//     ... who is in the way? ...
//     if (watch.end_look(blockers, grace_ns)) { watch.end(); ... a deadlock: give up ... }
//   } while (sleep(watch.nap()) timed out);
//   watch.end();
//
// Used by the thread that waits, without the GIL. begin() and end() may alternate during one wait:
// in between the thread may do what it likes, in a signal handler. A plain value.
#pragma once

#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/shared/slice.hpp"
#include "nativeconc/shared/wait_board.hpp"
#include "nativeconc/shared/wait_cycle.hpp"

namespace nativeconc::shared {

// Two slices (slice.hpp), and time to spare: who waits may count on seeing the end of two.
inline constexpr std::int64_t kLookNs = 2 * kSliceNs + kSliceNs / 2;
// While there may be a deadlock: but only for so long, in case it never comes to that.
inline constexpr std::int64_t kHurriedLookNs = 2'000'000;
inline constexpr std::int64_t kHurryNs = 1'000'000'000;

class WaitWatch {
 public:
  WaitNotice& notice() { return notice_; }

  // Whether the note is up. It is not if the directory of threads has no room for this one.
  bool is_up() const { return is_up_; }
  void begin();
  void end();

  void begin_look() { looked_ = shared::begin_look(); }
  // Whether this thread is to report a deadlock now: `signature()` says which. It says so once.
  // `grace_ns` is how long one must last that is not certain.
  bool end_look(const Blockers& blockers, std::int64_t grace_ns);
  std::uint64_t signature() const { return settled_; }
  // It was none: say so again if it comes back.
  void forget() { settled_ = 0; }

  // When to look again.
  Deadline nap() const;

 private:
  WaitNotice notice_;
  bool is_up_ = false;
  std::uint64_t looked_ = 0;
  std::uint64_t settled_ = 0;    // the signature of the deadlock that was reported
  std::uint64_t suspect_ = 0;    // of the one that was seen last,
  std::int64_t suspect_ns_ = 0;  // and when it was seen first
  bool hurries_ = false;
};

}  // namespace nativeconc::shared
