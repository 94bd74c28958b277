// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A meeting point between processes: so many threads wait for each other, and then all go on.
//
// Any thread of any process. All zero bytes, and then set_parties(), are a fresh barrier. After
// fork the child has not arrived: what its parent is in the middle of is broken for it.
//
// How to pass: arrive(). Whoever is told `last` runs what is to be run between rounds and then
// calls finish(); whoever is told `waits` calls wait() until it says `acquired` or one gives up,
// then leave(). If that says `complete`, the thread waits on without a deadline, and leaves after
// that. Threads that come while the last one is busy already belong to the next round.
//
// Each thread that has arrived has an entry, and reads the outcome of its own round there, however
// late it wakes:
//
//   bit  62      abandoned  its thread has gone its way, as if dead
//   bits 32..61  round      it wraps around
//   bits 30..31  outcome    0: open, 1: tripped, 2: broken
//   bits  0..29  thread     its number (thread_directory.hpp); 0, as all the rest then: free
//
// A thread that has arrived and is dead, or has abandoned its entry, before its round is over
// breaks the barrier, and that round. Those who wait look for that after each slice (slice.hpp),
// and those who arrive, finish or reset do, too.
//
// Invariants:
//   I.   entries are taken under mutex_. Open ones are closed under mutex_, or set free by their
//        own threads; closed ones are set free by their own threads, or taken when those are gone.
//   II.  round_ is the round that gathers; an open entry of another one is of a round to which all
//        have come, and which waits for its last.
//   III. whatever closes entries is written in intent_ first, with one store. If its thread dies,
//        the next one that has the mutex does the same all over again: nothing else has happened
//        meanwhile, and to do it twice is to do it once.
//   IV.  changes_ moves after entries were closed; waiters read it before they look at theirs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/shared/robust_mutex.hpp"
#include "nativeconc/shared/thread_directory.hpp"

namespace nativeconc::shared {

class Barrier {
 public:
  // The most parties, and the most threads that have arrived and not yet left.
  static constexpr std::uint32_t kMostParties = 1024;

  enum class Outcome : std::uint32_t {
    open,
    tripped,
    broken,
    complete,  // only leave() says so: everybody is there, and the last one is busy
    // Nothing was done, since a process that is stopped has the mutex: call it again.
    timed_out,
    interrupted,
  };

  // A plain value, of the thread that arrived.
  struct Place {
    std::uint32_t index = 0;
    ThreadNumber thread = kNobody;
  };

  enum class Role { waits, last, broken, no_room, timed_out, interrupted };
  struct Arrival {
    Role role = Role::broken;
    std::uint32_t index = 0;  // how many had arrived before
    Place place;
  };

  // Once, before anybody else can see it; from 1 to kMostParties.
  void set_parties(std::uint32_t parties) { parties_.store(parties, std::memory_order_relaxed); }
  std::uint32_t parties() const { return parties_.load(std::memory_order_relaxed); }

  // `me` is this_thread_number() in all that follows. Who has a deadline here does not wait for the
  // others, but for a few instructions of theirs; call it without the GIL all the same.
  Arrival arrive(ThreadNumber me, Deadline deadline);

  // The last one to arrive: everybody goes on, or the barrier is broken. Returns what came of it:
  // `broken` also if one of the others has died.
  Outcome finish(ThreadNumber me, const Place& place, Outcome outcome, Deadline deadline);

  // Blocks; call it without the GIL. `acquired`: the round is over, one way or the other.
  WaitResult wait(ThreadNumber me, const Place& place, Deadline deadline);

  // The wait ends. While others are still to come, `give_up` breaks the barrier (time is up), and
  // `go` only does not count the thread any more. Returns the outcome; `open` for a thread that
  // went away from an open round. Once everybody is there a deadline does not count any more: to
  // give up is then refused with `complete`, and the thread has not left.
  enum class Leaving { go, give_up };
  Outcome leave(ThreadNumber me, const Place& place, Leaving how);

  // Has the same effect as if the thread died now: for whoever can neither wait nor finish. Never
  // blocks.
  void abandon(ThreadNumber me, const Place& place);

  // `acquired`: done; else nothing was done.
  WaitResult abort(ThreadNumber me, Deadline deadline);
  WaitResult reset(ThreadNumber me, Deadline deadline);

  // Snapshots.
  std::uint32_t waiting() const;
  bool is_broken() const;

 private:
  enum class Act : std::uint32_t { none, trip, break_up, reset };

  class Guard;  // holds mutex_, and then wakes who is to be woken

  bool is_any_lost() const;
  bool break_for_the_lost();
  void carry_out(Act act, std::uint32_t round);
  void complete(std::uint32_t intent);
  void look_after(ThreadNumber me);

  std::atomic<std::uint32_t> parties_{0};
  RobustMutex mutex_;
  std::atomic<std::uint32_t> intent_{0};   // bits 0..1: an Act, bits 2..31: the round
  std::atomic<std::uint32_t> round_{0};    // that gathers
  std::atomic<std::uint32_t> broken_{0};   // 1: it is
  std::atomic<std::uint32_t> changes_{0};  // the futex word
  std::atomic<std::uint32_t> span_{0};     // entries from here on have never been used
  [[maybe_unused]] std::uint32_t padding_ = 0;
  std::array<std::atomic<std::uint64_t>, kMostParties> entries_{};
};
static_assert(sizeof(Barrier) == 32 + 8 * Barrier::kMostParties);
static_assert(std::is_standard_layout_v<Barrier>);

}  // namespace nativeconc::shared
