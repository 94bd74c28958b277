// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The readers of a shared::RWLock: an entry for each thread that reads, or waits to. A reader that
// dies leaves its entry behind, with its number: whoever is in its way then frees it.
//
// Any thread of any process; nothing here blocks. All zero bytes are an empty table.
//
//   bits 32..63  depth    how often it reads
//   bit  31      active   it reads
//   bit  30      waiting  a writer is in its way
//   bits  0..29  number   of the thread; 0: the entry is free
//
// An entry changes in one step, and only so:
//   free -> active           by its thread
//   active -> waiting        by its thread, which then takes itself for nobody inside
//   active, another depth    by its thread
//   active -> free           by its thread, or by anybody if that is dead
//   waiting -> free          by its thread, or by anybody if that is dead
//   waiting -> active        by its thread, or by the writer that goes
//
// Where a thread's entry may be: in the line (of the cache) of its number; elsewhere only if that
// was full, and then `has_strays` says so for ever. Lines that were never used need not be looked
// at: `used_lines_` has a bit for each of them, which is set before its first entry.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nativeconc/shared/thread_directory.hpp"

namespace nativeconc::shared {

struct ReaderEntry {
  std::uint64_t word = 0;

  static constexpr std::uint64_t kWaiting = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kActive = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kOneDeep = std::uint64_t{1} << 32;

  constexpr ThreadNumber number() const { return static_cast<ThreadNumber>(word & kMaxNumber); }
  constexpr bool is_active() const { return (word & kActive) != 0; }
  constexpr bool is_waiting() const { return (word & kWaiting) != 0; }
  constexpr std::uint32_t depth() const { return static_cast<std::uint32_t>(word >> 32); }

  static constexpr ReaderEntry active(ThreadNumber me) { return {kOneDeep | kActive | me}; }
  static constexpr ReaderEntry waiting(ThreadNumber me) { return {kOneDeep | kWaiting | me}; }
};

class ReaderTable {
 public:
  static constexpr std::size_t kEntries = 512;
  static constexpr std::size_t kNone = kEntries;

  // The entry of a thread, or kNone.
  std::size_t find(ThreadNumber number) const {
    const std::size_t line = line_of(number);
    for (std::size_t i = line; i < line + kPerLine; ++i) {
      if (load(i).number() == number) return i;
    }
    return has_strays_.load(std::memory_order_relaxed) == 0 ? kNone : find_stray(number);
  }

  // An active entry for a thread that has none, or kNone if there is no room. seq_cst: whoever
  // loads the writers' word afterwards finds what they said before they looked here.
  std::size_t claim(ThreadNumber me);

  // relaxed for the thread whose it is
  ReaderEntry load(std::size_t at, std::memory_order order = std::memory_order_relaxed) const {
    return {entries_[at].load(order)};
  }

  // By its thread alone, while it is active. seq_cst: see claim().
  void store(std::size_t at, ReaderEntry entry) {
    entries_[at].store(entry.word, std::memory_order_seq_cst);
  }
  // The same for another depth, which only its thread looks at.
  void set_depth(std::size_t at, ReaderEntry entry) {
    entries_[at].store(entry.word, std::memory_order_relaxed);
  }
  // seq_cst: see claim(). False if it has changed.
  bool exchange(std::size_t at, ReaderEntry now, ReaderEntry next) {
    return entries_[at].compare_exchange_strong(now.word, next.word, std::memory_order_seq_cst);
  }

  // All that wait are active from then on.
  void let_all_in();

  // The first entry from there on that is active, of a living thread; kNone if there is none. Dead
  // ones on the way are freed.
  std::size_t first_active(std::size_t from);

  // Calls visit(entry) for each that is active, whether its thread lives or not. A snapshot.
  template <class Visit>
  void for_each_active(Visit visit) const {
    for (std::size_t i = 0; (i = next_used(i)) < kEntries; ++i) {
      const ReaderEntry entry = load(i, std::memory_order_acquire);
      if (entry.is_active()) visit(entry);
    }
  }

 private:
  static constexpr std::size_t kPerLine = 8;
  static constexpr std::size_t kLines = kEntries / kPerLine;

  static constexpr std::size_t line_of(ThreadNumber number) { return number % kLines * kPerLine; }

  // The first entry from there on in a line that was used, or kEntries.
  std::size_t next_used(std::size_t from) const {
    while (from < kEntries) {
      // seq_cst: pairs with claim(), whose entry in a line that is not seen yet comes later
      const std::uint64_t lines = used_lines_.load(std::memory_order_seq_cst) >> (from / kPerLine);
      if ((lines & 1) != 0) return from;
      if (lines == 0) return kEntries;
      from = (from / kPerLine + static_cast<std::size_t>(std::countr_zero(lines))) * kPerLine;
    }
    return from;
  }

  std::size_t find_stray(ThreadNumber number) const;
  std::size_t claim_in_line(std::size_t line, ThreadNumber me);
  bool free_if_dead(std::size_t at, ReaderEntry entry);

  std::atomic<std::uint64_t> used_lines_{0};
  std::atomic<std::uint32_t> has_strays_{0};
  [[maybe_unused]] std::uint32_t padding_ = 0;
  alignas(64) std::array<std::atomic<std::uint64_t>, kEntries> entries_{};
};
static_assert(sizeof(ReaderTable) == 64 + 8 * ReaderTable::kEntries);
static_assert(std::is_standard_layout_v<ReaderTable>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace nativeconc::shared
