// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Brings rows together in parts, each of which one thread can then work on alone.
//
// Any thread, several at once, after fork. Invariant: inside a part rows have the order of the
// input, whatever the number of threads.
//
// How: portions count how many of their rows go to each part; so each knows where to put them, and
// goes through its rows again. (A pass of a radix sort with the highest digit first; Knuth, TAOCP
// 3, 5.2.5.)
#pragma once

#include <vector>

#include "nativeconc/kernels/row_portions.hpp"
#include "nativeconc/kernels/row_words.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {

class GroupParts {
 public:
  struct Row {
    std::uint64_t key;
    std::uint64_t value;
  };

  static constexpr std::int64_t kMostParts = 512;

  // part_of(key word) gives a number below n_parts, whatever the key. Throws std::bad_alloc.
  template <class PartOf>
  pool::Outcome gather(const RowWords& rows, std::int64_t n_parts, const PartOf& part_of,
                       const pool::Execution& execution) {
    const RowPortions portions(rows.size(), kRowPortion);
    const std::int64_t n_portions = portions.n_portions;
    std::vector<std::int64_t> counts(static_cast<std::size_t>(n_portions * n_parts));
    std::vector<std::int64_t> places(counts.size());
    rows_ = WorkMemory<Row>(rows.size());
    auto outcome = pool::parallel_for(
        n_portions, execution, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          std::int64_t* const mine = counts.data() + portion * n_parts;
          std::fill_n(mine, n_parts, 0);
          rows.visit_keys(portions.begin(portion), portions.end(portion), checkpoint,
                          [&](const std::uint64_t* keys, std::int64_t n) {
                            for (std::int64_t i = 0; i < n; ++i) ++mine[part_of(keys[i])];
                            return true;
                          });
        });
    if (outcome == pool::Outcome::cancelled) return outcome;
    begins_.clear();
    std::int64_t next = 0;
    for (std::int64_t part = 0; part < n_parts; ++part) {
      begins_.push_back(next);
      for (std::int64_t portion = 0; portion < n_portions; ++portion) {
        const auto at = static_cast<std::size_t>(portion * n_parts + part);
        const std::int64_t count = counts[at];
        counts[at] = next;  // from here on: where they begin
        next += count;
      }
    }
    begins_.push_back(next);
    return pool::parallel_for(
        n_portions, execution, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          // A copy, so that this can be run again.
          std::int64_t* const mine = places.data() + portion * n_parts;
          std::copy_n(counts.data() + portion * n_parts, n_parts, mine);
          rows.visit(portions.begin(portion), portions.end(portion), checkpoint,
                     [&](const std::uint64_t* keys, const std::uint64_t* values, std::int64_t n) {
                       for (std::int64_t i = 0; i < n; ++i) {
                         const std::int64_t at = mine[part_of(keys[i])]++;
                         // Somebody may have changed the keys since they were counted.
                         if (at < next) rows_[at] = Row{keys[i], values[i]};
                       }
                       return true;
                     });
        });
  }

  std::int64_t n_parts() const { return static_cast<std::int64_t>(begins_.size()) - 1; }
  // Where a part lies among all rows. begin(n_parts()) is the number of rows.
  std::int64_t begin(std::int64_t part) const { return begins_[static_cast<std::size_t>(part)]; }

  // use(key, value) for the rows of a part, while it returns true.
  template <class Use>
  void visit(std::int64_t part, const pool::Checkpoint& checkpoint, const Use& use) const {
    constexpr std::int64_t kBetweenStops = 1 << 16;
    const std::int64_t end = begin(part + 1);
    for (std::int64_t first = begin(part); first < end; first += kBetweenStops) {
      const std::int64_t until = std::min(end, first + kBetweenStops);
      for (std::int64_t i = first; i < until; ++i) {
        if (!use(rows_[i].key, rows_[i].value)) return;
      }
      if (until < end && checkpoint.stop()) return;
    }
  }

 private:
  WorkMemory<Row> rows_;
  std::vector<std::int64_t> begins_;  // [part], and the number of all
};

}  // namespace nativeconc::kernels
