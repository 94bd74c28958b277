// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Groups by any keys, by hashing.
//
// Any thread, several at once, after fork. How: each portion of the rows has a hash table of its
// own, and the tables are merged in the order of the portions. If one of them gets too large for
// the nearer caches, that is given up: rows are brought together in parts by the hash of their
// keys, and each part has a table. Whether it is given up depends on the rows of that portion
// alone, so not on the number of threads. At the end the groups are sorted by key.
#pragma once

#include <atomic>
#include <bit>
#include <new>
#include <vector>

#include "nativeconc/kernels/group_output.hpp"
#include "nativeconc/kernels/group_parts.hpp"
#include "nativeconc/kernels/group_sort.hpp"
#include "nativeconc/kernels/group_table.hpp"

namespace nativeconc::kernels {

template <class State>
class HashedGroups {
 public:
  HashedGroups(const RowWords& rows, const pool::Execution& execution)
      : rows_(rows), execution_(execution) {}

  // Throws std::bad_alloc.
  pool::Outcome run(GroupOutput& out) {
    FoundGroups found;
    bool many = false;
    auto outcome = group_portions(found, many);
    if (outcome == pool::Outcome::done && many) outcome = group_parts(found);
    return outcome == pool::Outcome::done ? write_sorted(found, execution_, out) : outcome;
  }

 private:
  using Table = GroupTable<State>;

  static constexpr std::int64_t kFewGroups = 1 << 13;  // of a portion's table
  static constexpr std::int64_t kFewRows = 1 << 15;    // not worth being cut in parts

  pool::Outcome group_portions(FoundGroups& found, bool& many) {
    const RowPortions portions(rows_.size(), kRowPortion);
    const std::int64_t most = rows_.size() <= kFewRows ? rows_.size() : kFewGroups;
    std::vector<Table> tables(static_cast<std::size_t>(portions.n_portions));
    std::atomic<bool> too_many{false};  // relaxed, as no_memory_
    auto outcome = pool::parallel_for(
        portions.n_portions, execution_,
        [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          Table table;
          std::uint64_t hashes[kBlock];
          rows_.visit(portions.begin(portion), portions.end(portion), checkpoint,
                      [&](const std::uint64_t* keys, const std::uint64_t* values, std::int64_t n) {
                        for (std::int64_t i = 0; i < n; ++i) hashes[i] = mixed_bits(keys[i]);
                        for (std::int64_t i = 0; i < n; ++i) {
                          State* const state = table.find(keys[i], hashes[i]);
                          if (state == nullptr) return note_no_memory();
                          state->add(values[i]);
                        }
                        if (table.size() > most) too_many.store(true, std::memory_order_relaxed);
                        return !too_many.load(std::memory_order_relaxed);
                      });
          tables[static_cast<std::size_t>(portion)] = std::move(table);
        });
    if (no_memory_.load(std::memory_order_relaxed)) throw std::bad_alloc();
    many = too_many.load(std::memory_order_relaxed);
    if (outcome == pool::Outcome::cancelled || many) return outcome;
    if (tables.size() > 1) outcome = merge(tables);
    if (outcome == pool::Outcome::cancelled) return outcome;
    found.allocate(tables[0].size());
    found.add(0, take_results(tables[0], found.at(0)));
    return outcome;
  }

  // All tables into the first.
  pool::Outcome merge(std::vector<Table>& tables) {
    const auto outcome =
        pool::parallel_for(1, execution_, [&](std::int64_t, const pool::Checkpoint& checkpoint) {
          Table all;  // so that this can be run again
          for (const Table& table : tables) {
            table.visit([&](std::uint64_t key, const State& state) {
              State* const merged = all.find(key, mixed_bits(key));
              if (merged != nullptr) {
                merged->merge(state);
              } else {
                note_no_memory();
              }
            });
            if (checkpoint.stop()) return;
          }
          merged_ = std::move(all);
        });
    if (no_memory_.load(std::memory_order_relaxed)) throw std::bad_alloc();
    if (outcome == pool::Outcome::done) tables[0] = std::move(merged_);
    return outcome;
  }

  pool::Outcome group_parts(FoundGroups& found) {
    constexpr std::int64_t kUsualPart = 1 << 15;  // rows
    const auto wanted = static_cast<std::uint64_t>(rows_.size() / kUsualPart + 1);
    const std::uint64_t most = GroupParts::kMostParts;
    const auto bits = static_cast<int>(std::bit_width(std::min(wanted, most - 1)));
    GroupParts parts;
    auto outcome = parts.gather(
        rows_, std::int64_t{1} << bits,
        [&](std::uint64_t key) {
          return static_cast<std::int64_t>(mixed_bits(key) >> (64 - bits));
        },
        execution_);
    if (outcome == pool::Outcome::cancelled) return outcome;
    found.allocate(rows_.size());
    std::vector<std::int64_t> counts(static_cast<std::size_t>(parts.n_parts()));
    outcome = pool::parallel_for(
        parts.n_parts(), execution_, [&](std::int64_t part, const pool::Checkpoint& checkpoint) {
          Table table;
          parts.visit(part, checkpoint, [&](std::uint64_t key, std::uint64_t value) {
            State* const state = table.find(key, mixed_bits(key));
            if (state == nullptr) return note_no_memory();
            state->add(value);
            return true;
          });
          counts[static_cast<std::size_t>(part)] = take_results(table, found.at(parts.begin(part)));
        });
    if (no_memory_.load(std::memory_order_relaxed)) throw std::bad_alloc();
    for (std::int64_t part = 0; part < parts.n_parts(); ++part) {
      found.add(parts.begin(part), counts[static_cast<std::size_t>(part)]);
    }
    return outcome;
  }

  // How many there are.
  static std::int64_t take_results(const Table& table, FoundGroups::Record* out) {
    table.visit([&](std::uint64_t key, const State& state) {
      *out++ = FoundGroups::Kind::make(key, static_cast<std::int64_t>(state.result()));
    });
    return table.size();
  }

  bool note_no_memory() {
    no_memory_.store(true, std::memory_order_relaxed);
    return false;
  }

  const RowWords& rows_;
  const pool::Execution& execution_;
  Table merged_;
  std::atomic<bool> no_memory_{false};  // relaxed: read after the end of a run alone
};

}  // namespace nativeconc::kernels
