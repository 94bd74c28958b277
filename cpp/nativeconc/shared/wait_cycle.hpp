// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Deadlocks among the threads of several processes: circles on the board of waits (wait_board.hpp).
//
// Any thread of any process that has a board, without the GIL; nothing is written.
//
// Why a circle that is `proven` is real, although its notes were read one after the other, and
// their threads may have gone on meanwhile: a thread whose note is up releases nothing. For every
// thread b of the circle, and the one, a, that waits for it, the tickets say
//
//   since(b) < looked(a)    a saw that b has what it wants after b's note had been put up
//   seen(a), since(b) <= R  both happened before the search began, at ticket R
//
// and the note of b was read after R, while it was up. So b's note was up when a looked and stayed
// so until after R: at R b still had it. That holds for all of them: at R there was a deadlock, and
// no thread of it can end it but by giving up its wait, or by dying. Whether one is dead is looked
// up after R, too.
//
// A circle whose tickets do not say that is `suspected`: its threads need only look once more.
// Who is stopped does not look; then nothing is found until it goes on.
//
// Of the threads of a circle the one that began to wait last has to act. Each looks for itself, and
// so exactly one does.
#pragma once

#include <cstdint>
#include <vector>

#include "nativeconc/shared/wait_board.hpp"

namespace nativeconc::shared {

// Party i wants what party i + 1 holds, and the last one what the first one holds.
struct CycleParty {
  ThreadNumber number = kNobody;
  std::uint64_t wait = 0;
  deadlock::Mode holds_as = deadlock::Mode::lock;  // how it holds what the party before it wants
};

struct Cycle {
  enum class State { none, suspected, proven };

  State state = State::none;
  bool is_certain = false;      // only its owners could release what is waited for
  std::uint64_t signature = 0;  // the same waits of the same threads
  ThreadNumber victim = kNobody;
  std::vector<CycleParty> parties;
};

// The shortest circle through the note of this thread; certain ones first. Those of locks of one
// process alone are none: they are found elsewhere (deadlock/wait_graph.hpp). If there is no memory
// for the search it finds nothing.
Cycle find_cycle(ThreadNumber start) noexcept;

}  // namespace nativeconc::shared
