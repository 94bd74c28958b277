// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The board of waits: who waits for which primitive in shared memory, in all processes of this
// user, and who is in the way. Each thread has one note on it (wait_note.hpp).
//
// A thread that is about to wait puts up its note, looks now and then who is in the way and writes
// that down, and takes the note away before it goes on. Waits for locks of one process are on it
// too, in processes that use shared ones: deadlocks may lead through both. Waits with a time limit
// are there to be seen, but take no part in deadlocks (wait_cycle.hpp).
//
// Any thread of any process, without the GIL; nothing here waits for anything. What a thread does
// in a signal handler, during its wait, it does without a note of that wait, which is put up anew
// afterwards. After fork the child's thread has a note of its own.
//
// Tickets, from one counter of the directory, say what came before what:
//   since    drawn when the note was put up: from then on the thread releases nothing
//   looked   drawn just before the thread looked who is in the way
//   seen     drawn just after
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nativeconc/deadlock/want.hpp"
#include "nativeconc/shared/thread_directory.hpp"
#include "nativeconc/shared/wait_note.hpp"

namespace nativeconc::shared {

// Who is in the way. Of more than there is room for, some: others each time.
class Blockers {
 public:
  Blockers() : end_((turns.fetch_add(1, std::memory_order_relaxed) % kTurns + 1) * kMostBlockers) {}

  // What is no thread is left out: nobody, or a lock's mark that it is in doubt.
  void add(ThreadNumber number, deadlock::Mode holds_as = deadlock::Mode::lock) {
    if (number == kNobody || number > kMaxNumber) return;
    const std::size_t at = count_++;
    // The last ones before `end_` are kept.
    if (at < end_) words_[at % kMostBlockers] = number | static_cast<std::uint32_t>(holds_as) << 30;
  }

  const std::array<std::uint32_t, kMostBlockers>& words() const { return words_; }

 private:
  std::array<std::uint32_t, kMostBlockers> words_{};
  static constexpr std::size_t kTurns = 16;
  inline static std::atomic<std::uint32_t> turns{0};

  std::size_t end_;
  std::size_t count_ = 0;
};

// A wait for a primitive in shared memory, at this moment.
struct SharedWant {
  void* primitive = nullptr;  // for the note's text; means nothing to the core
  std::uint64_t uid = 0;
  deadlock::Mode mode = deadlock::Mode::lock;
  bool is_owned = false;  // a lock, which its owner alone can release
  Blockers blockers{};
};

// What a note says from the beginning.
struct WaitNotice {
  bool is_described = false;  // whoever fills in the rest says so here
  std::uint64_t wait = 0;     // next_wait(), and the same when it is put up anew
  std::uint64_t uid = 0;
  const void* lock = nullptr;
  deadlock::Mode mode = deadlock::Mode::lock;
  bool is_certain = true;   // only its owner can release it
  bool takes_part = false;  // has no time limit, and waits for something that can be owned
  bool is_timed = false;
  std::int32_t line = 0;
  WaitText text{};
};

// Whether this process knows a board: it has used something in shared memory. A load.
bool has_board() noexcept;

// The number of a wait; later ones are higher. Needs a board.
std::uint64_t next_wait() noexcept;

// Of the calling thread. False if it cannot have a note: the directory is full.
bool put_up(const WaitNotice& notice) noexcept;
void take_down() noexcept;
bool has_note() noexcept;

// Before and after the calling thread, whose note is up, looks who is in the way.
std::uint64_t begin_look() noexcept;
void end_look(std::uint64_t looked, const Blockers& blockers) noexcept;

// A note as it was at one moment.
struct WaitSnapshot {
  ThreadNumber number = kNobody;
  std::uint64_t wait = 0;
  std::uint64_t since = 0;
  std::uint64_t looked = 0;
  std::uint64_t seen = 0;
  std::uint64_t uid = 0;
  std::uint64_t lock = 0;
  std::uint64_t ident = 0;
  std::uint32_t flags = 0;
  std::int32_t line = 0;
  std::array<std::uint32_t, kMostBlockers> blockers{};

  deadlock::Mode mode() const { return static_cast<deadlock::Mode>(flags & WaitNote::kMode); }
  bool is_certain() const { return (flags & WaitNote::kCertain) != 0; }
  bool takes_part() const { return (flags & WaitNote::kTakesPart) != 0; }
  bool is_timed() const { return (flags & WaitNote::kTimed) != 0; }
};

// False if the thread has no note, is dead, or writes at this very moment. `text` may be null.
bool read_note(ThreadNumber number, WaitSnapshot* note, WaitText* text = nullptr) noexcept;

// The highest ticket that was drawn before now.
std::uint64_t last_ticket() noexcept;

// How many living threads wait for a primitive, of all processes.
std::uint32_t count_waiters(std::uint64_t uid) noexcept;

struct WaiterOnBoard {
  ThreadIdentity thread;
  WaitSnapshot note;
  WaitText text;
};
// Who they are. Throws std::bad_alloc.
std::vector<WaiterOnBoard> waiters_of(std::uint64_t uid);

// The numbers of this process's threads that have a note. Throws std::bad_alloc.
std::vector<ThreadNumber> own_waiters();

}  // namespace nativeconc::shared
