// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/reader_table.hpp"

#include "nativeconc/shared/fault_point.hpp"

namespace nativeconc::shared {

std::size_t ReaderTable::find_stray(ThreadNumber number) const {
  for (std::size_t i = 0; (i = next_used(i)) < kEntries; ++i) {
    if (load(i).number() == number) return i;
  }
  return kNone;
}

bool ReaderTable::free_if_dead(std::size_t at, ReaderEntry entry) {
  return is_thread_dead(entry.number()) && exchange(at, entry, {});
}

std::size_t ReaderTable::claim_in_line(std::size_t line, ThreadNumber me) {
  const std::uint64_t mark = std::uint64_t{1} << (line / kPerLine);
  // acquire: pairs with the step that set it, which so comes before what this thread does next
  if ((used_lines_.load(std::memory_order_acquire) & mark) == 0) [[unlikely]] {
    used_lines_.fetch_or(mark, std::memory_order_seq_cst);
    fault_point();
  }
  for (std::size_t i = line; i < line + kPerLine; ++i) {
    if (load(i).number() == kNobody && exchange(i, {}, ReaderEntry::active(me))) return i;
  }
  for (std::size_t i = line; i < line + kPerLine; ++i) {
    const ReaderEntry entry = load(i, std::memory_order_acquire);
    if (entry.number() != kNobody && !free_if_dead(i, entry)) continue;
    if (exchange(i, {}, ReaderEntry::active(me))) return i;
  }
  return kNone;
}

std::size_t ReaderTable::claim(ThreadNumber me) {
  const std::size_t own_line = line_of(me);
  std::size_t at = claim_in_line(own_line, me);
  if (at != kNone) [[likely]]
    return at;
  has_strays_.store(1, std::memory_order_relaxed);
  for (std::size_t i = 1; i < kLines && at == kNone; ++i) {
    at = claim_in_line((own_line + i * kPerLine) % kEntries, me);
  }
  return at;
}

void ReaderTable::let_all_in() {
  for (std::size_t i = 0; (i = next_used(i)) < kEntries; ++i) {
    const ReaderEntry entry = load(i, std::memory_order_acquire);
    if (!entry.is_waiting()) continue;
    // It fails if the reader gives up just now.
    exchange(i, entry, {entry.word ^ (ReaderEntry::kWaiting | ReaderEntry::kActive)});
    fault_point();
  }
}

std::size_t ReaderTable::first_active(std::size_t from) {
  for (std::size_t i = from; (i = next_used(i)) < kEntries; ++i) {
    // seq_cst: see claim(); and pairs with the store by which the reader left
    const ReaderEntry entry = load(i, std::memory_order_seq_cst);
    if (entry.is_active() && !free_if_dead(i, entry)) return i;
    fault_point();
  }
  return kNone;
}

}  // namespace nativeconc::shared
