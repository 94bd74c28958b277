// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A reader-writer lock between processes: sync::RWLock, but readers and writers may die. A dead
// reader is released; a dead writer leaves the lock in doubt, as the owner of a Lock does. One that
// dies before it is inside, or when it has said that it leaves, leaves no doubt.
//
// Any thread of any process; all zero bytes are a free lock. Only the thread that took it releases
// it. A thread may read again while it reads or writes, and write again while it writes. After fork
// it stays the parent's.
//
// Each reader has an entry of its own (reader_table.hpp). Writers take turns in a Lock. A reader
// makes its entry active, then looks at the gate: if that is closed, its entry becomes one that
// waits. A writer closes the gate, then looks at the entries, and waits until none is active. Each
// says what it does before it looks, so at least one of the two sees the other. A writer that goes
// makes active what waits before it opens the gate: so all readers that waited go in before the
// next writer, and no reader that comes while a writer waits goes before it.
//
//   gate     bits 3..31  epoch    how often it was opened
//            bit  2      doubt    the writer before died inside, or somebody said so
//            bit  1      pending  a writer waits until the readers are gone
//            bit  0      writing  a writer is inside
//   awaited_ the reader whose leaving a pending writer sleeps for: its entry's place + 1
//
// Invariants:
//   I.   the gate changes by a single store of the thread whose turn it is. So it is open (none of
//        the three) when nobody has the turn.
//   II.  writing by a dead one, or doubt, is what makes the lock in doubt. doubt stays until a
//        writer that took it over opens the gate.
//   III. writing implies that no entry of another thread is active for a reader that is inside; to
//        open the gate is the moment at which the writer has left, and its readers may be inside
//        already before.
//   IV.  who finds the one with the turn dead takes the turn, and opens the gate for it or puts the
//        lock in doubt. Sleepers look for that after each slice (slice.hpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/shared/lock.hpp"
#include "nativeconc/shared/reader_table.hpp"

namespace nativeconc::shared {

class RWLock {
 public:
  using Entry = Lock::Entry;
  using IfDead = Lock::IfDead;

  RWLock() = default;
  RWLock(const RWLock&) = delete;
  RWLock& operator=(const RWLock&) = delete;

  // `me` is this_thread_number() in all that follows.

  // --- readers
  enum class [[nodiscard]] Read {
    acquired,
    in_doubt,  // death() says why. To read all the same: write with take_over, and downgrade.
    timed_out,
    interrupted,
    full,  // as many threads as it has room for read
  };

  // timed_out: a writer is inside, or next to go in. Never blocks.
  Read try_read(ThreadNumber me);

  // Blocks; call it without the GIL.
  Read read(ThreadNumber me, Deadline deadline);

  // False, and nothing changes, if this thread does not read.
  bool release_read(ThreadNumber me);

  // How often this thread reads, and writes.
  std::uint32_t own_reads(ThreadNumber me) const;
  std::uint32_t own_writes(ThreadNumber me) const {
    return is_writing(me) ? depth_.load(std::memory_order_relaxed) : 0;
  }

  // --- writers. A thread that reads but does not write must not come to write: it would wait for
  // itself.

  // Never blocks.
  Entry try_write(ThreadNumber me, IfDead if_dead);

  // One thread's wait, kept over interruptions: its turn among the writers, and its announcement.
  struct WriteWait {
    Lock::Waiter turn;
    bool has_turn = false;
  };
  // Blocks; call it without the GIL. After timed_out or interrupted: call again, or give_up().
  Entry write(ThreadNumber me, Deadline deadline, WriteWait& wait, IfDead if_dead);
  void give_up(ThreadNumber me, WriteWait& wait);

  // The writer, who took it in doubt, has repaired what it protects, and goes on: from now on its
  // own death is what leaves the lock in doubt.
  void make_whole();

  // False, and nothing changes, if this thread does not write. Whoever took it in doubt has made it
  // whole by this.
  bool release_write(ThreadNumber me);

  // The same, but the next one is told that it is in doubt, as it was when this thread took it.
  bool release_write_in_doubt(ThreadNumber me);

  // The writer goes on as a reader, and lets others read. Nothing changes if this thread does not
  // write exactly once, or there is no room.
  enum class [[nodiscard]] Downgrade { done, not_writing, nested, full };
  Downgrade downgrade(ThreadNumber me);

  bool is_writing(ThreadNumber me) const {
    return turn_.owner() == me && (gate_.load(std::memory_order_relaxed) & kWriting) != 0;
  }

  // --- looking at it: snapshots

  // Whoever stands in the way of readers, or of the next writer: inside, or next to go in. kNobody
  // if there is none, Lock::kInDoubt if the lock is that.
  ThreadNumber turn() const { return turn_.owner(); }
  // Whoever is inside.
  ThreadNumber writer() const;
  // Calls visit(number, depth) for each that reads and lives.
  template <class Visit>
  void for_each_reader(Visit visit) const {
    readers_.for_each_active([&](ReaderEntry entry) {
      if (!is_thread_dead(entry.number())) visit(entry.number(), entry.depth());
    });
  }
  std::uint32_t readers() const;
  // Who left it in doubt; found_ns is 0 if it is not.
  DeadOwner death() const { return turn_.death(); }

 private:
  static constexpr std::uint32_t kWriting = 1;
  static constexpr std::uint32_t kPending = 2;
  static constexpr std::uint32_t kDoubt = 4;
  static constexpr std::uint32_t kClosed = kWriting | kPending | kDoubt;
  static constexpr std::uint32_t kOneEpoch = 8;

  // seq_cst: pairs with whoever says first what it does, and then looks here
  std::uint32_t gate() const { return gate_.load(std::memory_order_seq_cst); }
  void set_gate(std::uint32_t gate);
  void open_gate();
  void wake_readers();

  enum class Seen { alive, gone, in_doubt };
  Seen look_at_writer(ThreadNumber me);
  bool settle(ThreadNumber me);
  void put_in_doubt(ThreadNumber me);

  bool may_read(ThreadNumber me) const;
  bool read_again(ThreadNumber me);
  void begin_waiting(ThreadNumber me, std::size_t at);
  Read wait_to_read(ThreadNumber me, std::size_t at, Deadline deadline);
  Read stop_waiting(ThreadNumber me, std::size_t at, Read why);
  void leave(std::size_t at);
  void tell_writer(std::size_t at);

  enum class Turn { mine, again, in_doubt };
  Turn begin_turn(ThreadNumber me, Entry entry, IfDead if_dead);
  Entry drain(Deadline deadline);
  Entry go_in();

  Lock turn_;                               // of the writers
  std::atomic<std::uint32_t> gate_{0};      // readers sleep on it
  std::atomic<std::uint32_t> awaited_{0};   // a pending writer sleeps on it
  std::atomic<std::uint32_t> sleepers_{0};  // 1: readers may sleep
  std::atomic<std::uint32_t> depth_{0};     // of the writer that is inside
  [[maybe_unused]] std::uint64_t padding_ = 0;
  ReaderTable readers_;
};
static_assert(sizeof(RWLock) == 64 + sizeof(ReaderTable));
static_assert(std::is_standard_layout_v<RWLock>);

}  // namespace nativeconc::shared
