// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A reader-writer lock: many readers or one writer, and neither starves the other.
//
// Any thread; only the thread that took it may release it. A reader that finds no writer enters
// with one compare-and-swap. Writers take turns in a Lock of their own, then wait until the readers
// that are inside have left, while newcomers wait for them. When a writer leaves, all readers that
// waited go in before the next writer.
//
// A thread may read again while it reads or writes, and write again while it writes: its own counts
// say so, and the word is not touched. A thread that releases its write while it still reads goes
// on as a plain reader.
//
// Fork: the forking thread keeps what it holds. Those who waited are forgotten, and a turn that a
// thread of the parent had taken without being inside is taken back.
//
// The layout of the word and the invariants: see rwlock_state.hpp.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/deadlock/read_holds.hpp"
#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/sync/lock.hpp"
#include "nativeconc/sync/rwlock_state.hpp"

namespace nativeconc::sync {

class RWLock {
 public:
  RWLock();
  RWLock(const RWLock&) = delete;
  RWLock& operator=(const RWLock&) = delete;

  // --- readers
  enum class Try { acquired, busy, full, no_memory };  // full: as many readers as it can count

  Try try_read();

  // A reader that try_read() has found `busy`. Blocks; call it without the GIL.
  WaitResult read(Deadline deadline);

  // False, and nothing changes, if this thread does not read.
  bool release_read();

  // How often this thread reads.
  std::uint32_t own_reads() const;
  std::uint32_t own_writes() const { return is_writing() ? write_depth_ : 0; }

  // --- writers
  // ------------------------------------------------------------------------------------ A thread
  // that reads but does not write must not come here: it would wait for itself.
  bool try_write();

  // One thread's wait, kept over interruptions: its turn among the writers, and its announcement.
  struct WriteWait {
    Waiter turn;
    bool has_turn = false;
  };
  // Blocks; call it without the GIL. After any result but `acquired`: call again, or give_up().
  WaitResult write(Deadline deadline, WriteWait& wait);
  void give_up(WriteWait& wait);

  // False, and nothing changes, if this thread does not write.
  bool release_write();

  // The writer goes on as a reader, and lets others read. False, and nothing changes, if this
  // thread does not write exactly once.
  enum class Downgrade { done, not_writing, nested, no_memory };
  Downgrade downgrade();

  bool is_writing() const;  // this thread

  // --- looking at it
  ThreadId writer() const;  // inside, or kNobody
  // Whoever stands in the way of a reader, or of the next writer: inside, or next to go in.
  static ThreadId current_turn(const void* rwlock);
  static bool is_written(const void* rwlock);  // is a writer inside?
  // Has a reader been let in whose wait has come so far? See ReadHolds::progress.
  static bool has_let_in(const void* rwlock, std::uint64_t progress);
  std::uint32_t readers() const;
  std::uint64_t id() const { return id_; }

 private:
  Try enter_to_read();
  bool leave_write(bool stays);
  bool take_turn(ThreadId me);
  void take_back_lost_turn();
  RWState load() const { return {word_.load(std::memory_order_relaxed)}; }
  bool exchange(RWState& now, RWState next);
  void wake_readers() const;
  void wake_writer() const;

  std::atomic<std::uint64_t> word_{0};
  std::uint32_t write_depth_ = 0;  // of the writer that is inside, which alone looks at it
  const std::uint64_t id_;         // never reused
  Lock turn_;                      // of the writers
};

}  // namespace nativeconc::sync
