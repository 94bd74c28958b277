// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A semaphore between processes. The permits of a process that dies come back.
//
// Any thread of any process. All zero bytes are a semaphore with no permit and no bound.
//
// Who holds permits is known by process: a release gives back one that this process holds; if it
// holds none, one of the process that has held some for longest; and if nobody holds any, there is
// a permit more from then on (a bounded semaphore refuses that). So a semaphore may be used as a
// signal, too: one process releases, another acquires.
//
// Everything happens under a robust mutex, for some ten nanoseconds each time. The truth is
//
//   total_    how many permits there are
//   rows_     how many of them each process holds
//
// and each step of an operation is one store to one of these words: wherever a process dies, it has
// taken or given a permit or it has not. The rest is only there to be fast, and made anew from
// these when the mutex says that its owner died. release(n) is n steps at most; a process that dies
// within has given what it gave.
//
// Sleepers wait in slices. Fairness is that of permit_queue.hpp: newcomers may barge in; a waiter
// that loses a race 1 ms or more after it began becomes the heir, and the next permit is kept for
// it. It is not kept for a dead one, nor for longer than a slice.
//
// Invariants, whenever the mutex is free or its owner dead:
//   I.   the sum of held over all rows is at most total_. total_ of a bounded one never changes.
//   II.  each process has at most one row. A row without permits may be given to another process;
//        it never becomes empty (0) again, so a search may end at an empty row.
// and, whenever the mutex is free:
//   III. available_ is total_ without that sum.
//   IV.  if a thread sleeps here and there is a permit it could take, then asleep_ is set, or a
//        messenger is on its way: one that was woken and will look. Whoever has slept sets asleep_
//        or wakes the next when it goes, takes or sleeps again. A messenger that dies costs a
//        slice.
//   V.   who becomes the heir does so while no permit is available; kept_since_ns_ says since when
//        there has been one again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/shared/robust_mutex.hpp"
#include "nativeconc/shared/thread_directory.hpp"
#include "nativeconc/sync/permit_queue.hpp"

namespace nativeconc::shared {

class Semaphore {
 public:
  using Waiter = sync::Waiter;

  static constexpr std::uint32_t kMax = 0x7fff'ffff;
  static constexpr std::size_t kRows = 512;  // so many processes may hold permits at a time

  // Who asks.
  struct Caller {
    ThreadNumber thread = kNobody;
    ProcessNumber process = kNobody;
  };
  static Caller this_caller() { return {this_thread_number(), this_process_number()}; }

  enum class Bound { none, initial_value };

  Semaphore() = default;
  // value <= kMax
  Semaphore(std::uint32_t value, Bound bound)
      : is_bounded_(bound == Bound::initial_value ? 1 : 0), total_(value), available_(value) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  enum class [[nodiscard]] Entry {
    acquired,
    timed_out,  // no permit until then
    interrupted,
    no_room,  // kRows other processes, all alive, hold permits
    stuck,    // from a try: another thread kept the mutex until then; perhaps it is stopped
  };

  // Takes a permit if there is one that is not kept for another. May block until `patience` has
  // passed, but only while another thread is in the middle of something.
  Entry try_acquire(Caller me, Deadline patience);

  // See PermitQueue::spin.
  bool spin(Caller me);

  // Waits for a permit. Blocks; call it without the GIL.
  Entry acquire(Caller me, Deadline deadline, Waiter& waiter);

  enum class [[nodiscard]] Release {
    done,
    too_many,  // more than its bound, or kMax
    stuck,     // as above; nothing has changed
    interrupted,
  };

  // Gives back n permits, 1 <= n <= kMax. May block as try_acquire() does.
  Release release(Caller me, std::uint32_t n, Deadline patience);

  // A snapshot, which does not look whether holders live. A permit that is kept for the heir counts
  // as taken.
  std::uint32_t available() const;
  std::uint32_t total() const { return total_.load(std::memory_order_relaxed); }
  bool is_bounded() const { return is_bounded_ != 0; }

  struct Holder {
    ProcessNumber process = kNobody;
    std::int32_t pid = 0;  // 0: not known any more
    std::uint32_t held = 0;
  };
  // A snapshot; of those that live.
  std::vector<Holder> holders() const;

 private:
  //   bits 32..61  the process, or 0: empty
  //   bits  0..31  how many permits it holds
  using Row = std::atomic<std::uint64_t>;

  RobustMutex::Taken enter(ThreadNumber me, Deadline deadline);
  void leave(std::uint32_t channels);
  void make_whole();

  Entry take(Caller me);
  bool give(Caller me, std::uint32_t n);
  bool give_for_others(Caller me, std::uint32_t n);
  void add(std::uint32_t n);

  Row* find_row(ProcessNumber process);
  Row* make_row(ProcessNumber process);
  void hold(Row& row, ProcessNumber process, std::uint32_t held);
  Row* oldest_holder();
  bool has_dead_holder() const;
  void forget_dead_holders();

  bool is_heir_late() const;
  bool is_due_to_look();
  std::uint32_t message();
  std::uint32_t pass_on_message();
  const std::uint32_t* futex_word() const;

  RobustMutex mutex_;
  const std::uint32_t is_bounded_ = 0;
  std::atomic<std::uint32_t> total_{0};
  std::atomic<std::uint32_t> available_{0};
  std::atomic<std::uint32_t> heir_{kNobody};  // a thread
  std::atomic<std::uint32_t> asleep_{0};      // 1: some may be
  std::atomic<std::uint32_t> sequence_{0};    // what they sleep on; changed by each message
  [[maybe_unused]] std::uint32_t padding_ = 0;
  std::int64_t kept_since_ns_ = 0;
  std::atomic<std::int64_t> looked_ns_{0};  // when a waiter last looked for dead holders
  std::uint64_t last_age_ = 0;
  [[maybe_unused]] std::uint64_t padding2_ = 0;
  std::array<Row, kRows> rows_{};
  std::array<std::uint64_t, kRows> ages_{};  // when each began to hold: what grows is younger
};
static_assert(sizeof(Semaphore) == 64 + 16 * Semaphore::kRows);
static_assert(std::is_standard_layout_v<Semaphore>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace nativeconc::shared
