// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The wait-for graph: who waits for a lock that whom holds, and whether that goes round in a
// circle.
//
// Any thread. A thread that is about to wait without a time limit announces what it wants, looks
// whether this closes a circle, and withdraws the announcement before it goes on. Nothing here is
// called to take or release a lock. In a forked child all announcements of the parent are gone.
//
// Why a certain circle is real: announcing, withdrawing and looking take the registry mutex, so
// during a look every thread that is announced stays where it is: inside its wait. Such a thread
// can release nothing, so a lock that it owns stays its own; it may only just have got what it
// wants, but then it owns that itself, and the circle ends there. A circle needs one last wait that
// closes it, and that thread looks after it has announced itself: one of the circle finds it,
// whatever the order.
//
// Circles through locks that any thread may release are only suspected: another thread may yet come
// to help. The seam looks again after a time of grace; `signature` tells whether it is still the
// same.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/deadlock/want.hpp"

namespace nativeconc::deadlock {

enum class Finding {
  nothing,
  cycle,
  exited,  // the owner of what I want has ended; only for locks that nobody else may release
  lost,    // the owner of what I want was a thread of the process we were forked from
};

// How a thread is part of a deadlock. Party i wants what party i + 1 holds, and the last one wants
// what the first one holds.
struct Party {
  ThreadId id = kNobody;
  ThreadInfo thread;
  bool waits = false;
  Want want;                   // valid while it waits
  Mode holds_as = Mode::lock;  // how it holds what the party before it wants
};

struct Deadlock {
  Finding finding = Finding::nothing;
  bool certain = false;
  std::uint64_t signature = 0;  // of a cycle: the same waits of the same threads
  std::vector<Party> parties;
};

// `certain` is whether it can never end by itself: see above.
struct Glance {
  Finding finding = Finding::nothing;
  bool certain = false;
  std::uint64_t signature = 0;
};

// Announces that the calling thread waits, without a time limit, and says whether that is part of a
// deadlock. `call` numbers this wait (next_call). Allocates nothing.
Glance begin_wait(const Want& want, std::uint64_t call);
void end_wait();
std::uint64_t next_call();

// Those who stand in the way of the calling thread, which has announced its wait, as far as they
// have a ThreadRecord::shared_number. `tell` is called under the registry mutex.
using TellBlocker = std::function<void(std::uint32_t shared_number, Mode holds_as)>;
void tell_blockers(const TellBlocker& tell);

using Keep = std::function<void(const Party&)>;

// The announced wait of the calling thread, looked at again, with all parties. `keep` is called for
// each party under the registry mutex, while nobody can leave its wait: the place to take a
// reference to a lock. Throws std::bad_alloc.
//
// With the signature of a deadlock that this thread has `claimed`: if that is not there any more,
// or is another one now, the claim is given back and nothing found. Some party has left its wait,
// if only for a moment, and will look, and may claim, when it comes back.
Deadlock examine(const Keep& keep, std::optional<std::uint64_t> claimed = {});

// Every deadlock there is now, each once.
std::vector<Deadlock> examine_all(const Keep& keep);

// Of several threads that see the same deadlock, the first to claim it reports it.
enum class Claim {
  mine,
  pending,   // another thread has claimed it, and has still to look again (examine)
  reported,  // another thread reports it, or has done so
};
Claim claim(std::uint64_t signature);

}  // namespace nativeconc::deadlock
