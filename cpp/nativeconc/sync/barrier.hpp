// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A meeting point: so many threads wait for each other, and then all go on.
//
// Any thread. A forked child forgets those of its parent who had arrived.
//
// How to pass: arrive(). Whoever is told `last` runs what is to be run between rounds and then
// calls finish(); whoever is told `waits` calls wait() until it says `acquired` or one gives up,
// then leave(). If that says `complete`, the thread waits on without a deadline, and leaves after
// that. Threads that come while the last one is busy already belong to the next round.
//
// Invariants, under mutex_: each round has an object of its own, whose outcome goes from open to
// tripped or broken once. A thread that is slow to wake reads the outcome of its own round,
// whatever has become of the barrier since. The object is freed by the last of its threads to let
// go.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/os/short_mutex.hpp"

namespace nativeconc::sync {

class Barrier {
 public:
  enum class Outcome : std::uint32_t {
    open,
    tripped,
    broken,
    complete,  // only leave() says so: everybody is there, and the last one is busy
  };

  struct Round {
    std::atomic<std::uint32_t> outcome{0};  // open, tripped or broken; the futex word
    std::uint32_t arrived = 0;              // guarded by the barrier's mutex
    std::uint32_t users = 0;                // guarded by it, too
    std::uint32_t generation = 0;           // of the process that it belongs to
  };

  enum class Role { waits, last, broken, no_memory };
  struct Arrival {
    Role role = Role::broken;
    std::uint32_t index = 0;  // how many had arrived before
    Round* round = nullptr;
  };

  explicit Barrier(std::uint32_t parties) : parties_(parties) {}
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  Arrival arrive();

  // The last one to arrive: everybody goes on, or the barrier is broken. Never blocks.
  void finish(Round* round, Outcome outcome);

  // Blocks; call it without the GIL. `acquired`: the round is over, one way or the other.
  WaitResult wait(Round& round, Deadline deadline);

  // The wait ends. While others are still to come, `give_up` breaks the barrier (time is up), and
  // `go` only does not count the thread any more. Returns the outcome; `open` for a thread that
  // went away from an open round. Once everybody is there a deadline does not count any more: to
  // give up is then refused with `complete`, and the thread has not left.
  enum class Leaving { go, give_up };
  Outcome leave(Round* round, Leaving how);

  void abort();
  void reset();

  std::uint32_t parties() const { return parties_.load(std::memory_order_relaxed); }
  std::uint32_t waiting();
  bool is_broken();

  // As if just made for so many parties.
  void reinit(std::uint32_t parties);

 private:
  struct Guard;  // holds mutex_, after which round_ is of this fork generation

  class Sleepers;

  void break_gathering(Sleepers& sleepers);
  void let_go(Round* round);

  os::ShortMutex mutex_;
  std::atomic<std::uint32_t> parties_;
  std::uint32_t generation_ = 0;
  bool broken_ = false;
  Round* round_ = nullptr;  // the one that is gathering, if anyone has arrived
};

}  // namespace nativeconc::sync
