// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/wait_board.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/shared_error.hpp"
#include "nativeconc/shared/thread_directory_layout.hpp"

namespace nativeconc::shared {
namespace {

DirectoryLayout& board() { return *known_directory(); }

WaitNote& note_of(ThreadNumber number) { return board().notes[number % kThreadSlots]; }

std::uint64_t draw_ticket() {
  // acq_rel: whoever draws a later one sees what was done before this one was drawn
  return board().last_ticket.fetch_add(1, std::memory_order_acq_rel) + 1;
}

// Stores that belong to one change of the note. Release: a reader that sees any of them sees that
// the sequence has become odd, too. (A fence would do it once for all, but thread sanitizers do not
// know fences.)
template <class T, class Value>
void set(std::atomic<T>& field, Value value) {
  field.store(static_cast<T>(value), std::memory_order_release);
}

template <class Function>
void change(WaitNote& note, Function function) {
  // One that died while it wrote has left it odd.
  const std::uint32_t odd = note.sequence.load(std::memory_order_relaxed) | 1U;
  note.sequence.store(odd, std::memory_order_relaxed);
  fault_point();
  function();
  fault_point();
  // release: pairs with the acquire in read()
  note.sequence.store(odd + 1, std::memory_order_release);
}

// acquire: pairs with set()
template <class T>
T get(const std::atomic<T>& field) {
  return field.load(std::memory_order_acquire);
}

bool try_read(const WaitNote& note, WaitSnapshot* result, WaitText* text) {
  const std::uint32_t before = note.sequence.load(std::memory_order_acquire);
  if ((before & 1) != 0) return false;
  result->number = get(note.number);
  result->wait = get(note.wait);
  result->since = get(note.since);
  result->looked = get(note.looked);
  result->seen = get(note.seen);
  result->uid = get(note.uid);
  result->lock = get(note.lock);
  result->ident = get(note.ident);
  result->flags = get(note.flags);
  result->line = get(note.line);
  for (std::size_t i = 0; i < kMostBlockers; ++i) result->blockers[i] = get(note.blockers[i]);
  if (text != nullptr) {
    std::array<std::uint64_t, WaitNote::kTextWords> words{};
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = get(note.text[i]);
    std::memcpy(text, words.data(), sizeof *text);
  }
  return note.sequence.load(std::memory_order_relaxed) == before;
}

}  // namespace

bool has_board() noexcept { return known_directory() != nullptr; }

std::uint64_t next_wait() noexcept { return draw_ticket(); }

bool put_up(const WaitNotice& notice) noexcept {
  ThreadNumber number = kNobody;
  try {
    number = this_thread_number();
  } catch (const SharedError&) {
    return false;
  }
  std::array<std::uint64_t, WaitNote::kTextWords> words{};
  std::memcpy(words.data(), &notice.text, sizeof notice.text);
  const std::uint32_t flags =
      static_cast<std::uint32_t>(notice.mode) | (notice.is_certain ? WaitNote::kCertain : 0) |
      (notice.takes_part ? WaitNote::kTakesPart : 0) | (notice.is_timed ? WaitNote::kTimed : 0);
  WaitNote& note = note_of(number);
  const std::uint64_t since = draw_ticket();
  change(note, [&] {
    set(note.number, number);
    set(note.wait, notice.wait);
    set(note.since, since);
    set(note.looked, 0U);
    set(note.seen, 0U);
    set(note.uid, notice.uid);
    set(note.lock, reinterpret_cast<std::uintptr_t>(notice.lock));
    set(note.ident, pthread_self());
    set(note.flags, flags);
    set(note.line, notice.line);
    for (auto& blocker : note.blockers) set(blocker, 0U);
    for (std::size_t i = 0; i < words.size(); ++i) set(note.text[i], words[i]);
  });
  return true;
}

void take_down() noexcept {
  // A child forked in a handler has no number yet, and so no note.
  const ThreadNumber number = detail::this_thread_number;
  if (number == kNobody) return;
  WaitNote& note = note_of(number);
  change(note, [&] { set(note.wait, 0U); });
}

bool has_note() noexcept {
  const ThreadNumber number = detail::this_thread_number;
  return number != kNobody && note_of(number).number.load(std::memory_order_relaxed) == number &&
         note_of(number).wait.load(std::memory_order_relaxed) != 0;
}

std::uint64_t begin_look() noexcept { return draw_ticket(); }

void end_look(std::uint64_t looked, const Blockers& blockers) noexcept {
  WaitNote& note = note_of(detail::this_thread_number);
  const std::uint64_t seen = draw_ticket();
  change(note, [&] {
    set(note.looked, looked);
    set(note.seen, seen);
    for (std::size_t i = 0; i < kMostBlockers; ++i) set(note.blockers[i], blockers.words()[i]);
  });
}

bool read_note(ThreadNumber number, WaitSnapshot* note, WaitText* text) noexcept {
  constexpr int kTries = 4;
  for (int i = 0; i < kTries; ++i) {
    if (!try_read(note_of(number), note, text)) continue;
    return note->number == number && note->wait != 0 && !is_thread_dead(number);
  }
  return false;
}

std::uint64_t last_ticket() noexcept { return board().last_ticket.load(std::memory_order_acquire); }

namespace {

// Calls f(number) for each note that may be up.
template <class Function>
void for_each_note(Function function) {
  if (!has_board()) return;
  const std::uint32_t span = std::min(board().span.load(std::memory_order_relaxed), kThreadSlots);
  for (std::uint32_t slot = 0; slot < span; ++slot) {
    const WaitNote& note = board().notes[slot];
    if (note.wait.load(std::memory_order_relaxed) != 0) {
      function(note.number.load(std::memory_order_relaxed), note);
    }
  }
}

}  // namespace

std::uint32_t count_waiters(std::uint64_t uid) noexcept {
  std::uint32_t count = 0;
  for_each_note([&](ThreadNumber number, const WaitNote& note) {
    WaitSnapshot read;
    if (note.uid.load(std::memory_order_relaxed) != uid) return;
    if (read_note(number, &read) && read.uid == uid) ++count;
  });
  return count;
}

std::vector<WaiterOnBoard> waiters_of(std::uint64_t uid) {
  std::vector<WaiterOnBoard> waiters;
  for_each_note([&](ThreadNumber number, const WaitNote& note) {
    WaiterOnBoard waiter;
    if (note.uid.load(std::memory_order_relaxed) != uid) return;
    if (!read_note(number, &waiter.note, &waiter.text) || waiter.note.uid != uid) return;
    waiter.thread = identify(number);
    waiters.push_back(waiter);
  });
  return waiters;
}

std::vector<ThreadNumber> own_waiters() {
  std::vector<ThreadNumber> numbers;
  const std::int32_t pid = getpid();
  for_each_note([&](ThreadNumber number, const WaitNote&) {
    if (number != kNobody && identify(number).pid == pid && !is_thread_dead(number)) {
      numbers.push_back(number);
    }
  });
  return numbers;
}

}  // namespace nativeconc::shared
