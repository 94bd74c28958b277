// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The keys of given ranks, whatever the keys are: they are counted in up to 2^16 cells of equal
// width that span them all, and only those of the cells that hold a wanted rank are looked at
// again, in the same way. Each time a cell is at most 2^-16 as wide as what it was cut from.
//
// Any thread, several at once, after fork. Throws std::bad_alloc.
// Memory: the keys of the wanted cells, and the counts of 2^16 cells for each portion.
#pragma once

#include <algorithm>
#include <bit>
#include <span>
#include <vector>

#include "nativeconc/kernels/key_portions.hpp"
#include "nativeconc/kernels/work_memory.hpp"

namespace nativeconc::kernels {

// Fewer keys than this are selected from in a cache, on one thread.
constexpr std::int64_t kLargeSelection = 1 << 16;

// Ranks that rise; `base`, the rank of the first of the keys, is to be subtracted from each.
using Ranks = std::span<const std::int64_t>;

// Puts the key of each rank in its place among `keys`, and lists them.
template <class K>
void select_in_place(K* keys, std::int64_t n, Ranks ranks, std::int64_t base, K* out) {
  K* from = keys;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    K* const at = keys + (ranks[r] - base);
    std::nth_element(from, at, keys + n);
    out[r] = *at;
    from = at;
  }
}

template <class T>
class CellSelection {
 public:
  using K = Key<T>;

  explicit CellSelection(const pool::Execution& execution) : execution_(execution) {}

  // out: the key of each rank.
  pool::Outcome select(const KeySource<T>& source, Ranks ranks, std::int64_t base, K* out) const {
    const std::int64_t n = source.size();
    if (n < kLargeSelection) {
      const WorkMemory<K> keys(n);
      source.fill(0, n, keys.data());
      select_in_place(keys.data(), n, ranks, base, out);
      return pool::Outcome::done;
    }
    const KeyPortions portions(n);
    Cells cells;
    if (cut(source, portions, cells) == pool::Outcome::cancelled) return pool::Outcome::cancelled;
    const WorkMemory<std::uint32_t> counts(portions.count * cells.n);
    const auto outcome = walk_keys(
        source, portions, execution_,
        [&](std::int64_t portion) { std::fill_n(counts.data() + portion * cells.n, cells.n, 0U); },
        [&](std::int64_t portion, const K* keys, std::int64_t count) {
          std::uint32_t* const mine = counts.data() + portion * cells.n;
          for (std::int64_t i = 0; i < count; ++i) ++mine[cells.of(keys[i])];
        });
    if (outcome == pool::Outcome::cancelled) return outcome;
    const std::vector<Wanted> wanted = wanted_cells(portions, cells, counts, ranks, base);
    if (cells.shift == 0) {  // a cell is a key
      for (const Wanted& each : wanted) {
        std::fill(out + each.first, out + each.end,
                  static_cast<K>(cells.low + static_cast<K>(each.cell)));
      }
      return pool::Outcome::done;
    }
    return look_inside(source, portions, cells, counts, wanted, ranks, out);
  }

 private:
  static constexpr int kMostCellBits = 16;

  struct Cells {
    K low = 0;
    int shift = 0;
    std::int64_t n = 1;

    // Inside the cells even if somebody changes the array meanwhile: no memory is damaged.
    std::int64_t of(K key) const {
      const auto cell = static_cast<std::uint64_t>(static_cast<K>(key - low) >> shift);
      return static_cast<std::int64_t>(std::min(cell, static_cast<std::uint64_t>(n - 1)));
    }
  };

  struct Wanted {
    std::int64_t cell;
    std::int64_t base;  // the rank of its first key
    std::int64_t count;
    std::size_t first;  // of the ranks
    std::size_t end;
  };

  pool::Outcome cut(const KeySource<T>& source, const KeyPortions& portions, Cells& cells) const {
    K low = 0;
    K high = static_cast<K>(~K{0});
    auto outcome = pool::Outcome::done;
    if constexpr (8 * sizeof(K) > kMostCellBits) outcome = survey(source, portions, low, high);
    const auto width = static_cast<int>(std::bit_width(static_cast<K>(high - low)));
    const int bits = std::min(width, kMostCellBits);
    cells.low = low;
    cells.shift = width - bits;
    cells.n = std::int64_t{1} << bits;
    return outcome;
  }

  pool::Outcome survey(const KeySource<T>& source, const KeyPortions& portions, K& low,
                       K& high) const {
    std::vector<K> lows(static_cast<std::size_t>(portions.count));
    std::vector<K> highs(static_cast<std::size_t>(portions.count));
    const auto outcome = walk_keys(
        source, portions, execution_,
        [&](std::int64_t portion) {
          lows[static_cast<std::size_t>(portion)] = static_cast<K>(~K{0});
          highs[static_cast<std::size_t>(portion)] = 0;
        },
        [&](std::int64_t portion, const K* keys, std::int64_t count) {
          K least = lows[static_cast<std::size_t>(portion)];
          K most = highs[static_cast<std::size_t>(portion)];
          for (std::int64_t i = 0; i < count; ++i) {
            least = std::min(least, keys[i]);
            most = std::max(most, keys[i]);
          }
          lows[static_cast<std::size_t>(portion)] = least;
          highs[static_cast<std::size_t>(portion)] = most;
        });
    low = *std::min_element(lows.begin(), lows.end());
    high = *std::max_element(highs.begin(), highs.end());
    return outcome;
  }

  static std::vector<Wanted> wanted_cells(const KeyPortions& portions, const Cells& cells,
                                          const WorkMemory<std::uint32_t>& counts, Ranks ranks,
                                          std::int64_t base) {
    std::vector<std::int64_t> totals(static_cast<std::size_t>(cells.n));
    for (std::int64_t portion = 0; portion < portions.count; ++portion) {
      for (std::int64_t cell = 0; cell < cells.n; ++cell) {
        totals[static_cast<std::size_t>(cell)] += counts[portion * cells.n + cell];
      }
    }
    std::int64_t before = base;
    std::size_t rank = 0;
    std::vector<Wanted> wanted;
    for (std::size_t cell = 0; cell < totals.size() && rank < ranks.size(); ++cell) {
      const std::size_t first = rank;
      while (rank < ranks.size() && ranks[rank] < before + totals[cell]) ++rank;
      if (rank > first) {
        wanted.push_back({static_cast<std::int64_t>(cell), before, totals[cell], first, rank});
      }
      before += totals[cell];
    }
    return wanted;
  }

  pool::Outcome look_inside(const KeySource<T>& source, const KeyPortions& portions,
                            const Cells& cells, const WorkMemory<std::uint32_t>& counts,
                            const std::vector<Wanted>& wanted, Ranks ranks, K* out) const {
    // Where each portion's share of each wanted cell goes.
    const auto n_wanted = static_cast<std::int64_t>(wanted.size());
    std::vector<std::int64_t> begins;
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(portions.count * n_wanted));
    const WorkMemory<std::int32_t> wanted_of(cells.n);
    std::fill_n(wanted_of.data(), cells.n, -1);
    std::int64_t next = 0;
    for (std::int64_t w = 0; w < n_wanted; ++w) {
      begins.push_back(next);
      const std::int64_t cell = wanted[static_cast<std::size_t>(w)].cell;
      wanted_of[cell] = static_cast<std::int32_t>(w);
      for (std::int64_t portion = 0; portion < portions.count; ++portion) {
        offsets[static_cast<std::size_t>(portion * n_wanted + w)] = next;
        next += counts[portion * cells.n + cell];
      }
    }
    const WorkMemory<K> kept(next);
    std::vector<std::int64_t> cursors(offsets.size());
    const auto outcome = walk_keys(
        source, portions, execution_,
        [&](std::int64_t portion) {
          std::copy_n(offsets.data() + portion * n_wanted, n_wanted,
                      cursors.data() + portion * n_wanted);
        },
        [&](std::int64_t portion, const K* keys, std::int64_t count) {
          std::int64_t* const mine = cursors.data() + portion * n_wanted;
          for (std::int64_t i = 0; i < count; ++i) {
            const std::int32_t w = wanted_of[cells.of(keys[i])];
            if (w < 0) continue;
            const std::int64_t at = mine[w]++;
            if (at < next) kept[at] = keys[i];  // see Cells::of
          }
        });
    if (outcome == pool::Outcome::cancelled) return outcome;
    for (std::size_t w = 0; w < wanted.size(); ++w) {
      const Wanted& each = wanted[w];
      const KeySource<T> inside(kept.data() + begins[w], each.count);
      const auto part = select(inside, ranks.subspan(each.first, each.end - each.first), each.base,
                               out + each.first);
      if (part == pool::Outcome::cancelled) return part;
    }
    return pool::Outcome::done;
  }

  const pool::Execution& execution_;
};

}  // namespace nativeconc::kernels
