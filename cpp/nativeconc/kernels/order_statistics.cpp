// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/order_statistics.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <new>
#include <vector>

#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;
using Ranks = std::span<const std::int64_t>;

constexpr std::int64_t kLarge = 1 << 16;  // lanes from here on are cut in portions
constexpr std::int64_t kStep = 1024;      // keys made at a time
constexpr std::int64_t kBetweenStops = 1 << 16;
constexpr std::int64_t kLeastPortion = 1 << 18;
constexpr std::int64_t kMostPortions = 64;
constexpr int kMostCellBits = 16;

// What is left to look at: the keys themselves, or the elements they come from.
template <class T>
struct Elements {
  const RowMajor* elements = nullptr;
  std::int64_t begin = 0;
  const Key<T>* keys = nullptr;

  void fill(std::int64_t first, std::int64_t count, Key<T>* out) const {
    if (keys != nullptr) {
      std::copy_n(keys + first, count, out);
    } else {
      elements->visit<T>(begin + first, count,
                         [&](std::int64_t i, T value) { out[i] = key_of(value); });
    }
  }
};

// Puts the keys of all ranks in their places. `base` is the rank of keys[0] .. in the lane.
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
class Selection {
 public:
  using K = Key<T>;

  explicit Selection(const pool::Execution& execution) : execution_(execution) {}

  // The keys of the ranks, of which `base` is to be subtracted first.
  Outcome select(const Elements<T>& from, std::int64_t n, Ranks ranks, std::int64_t base, K* out) {
    if (n < kLarge) {
      WorkMemory<K> keys(n);
      from.fill(0, n, keys.data());
      select_in_place(keys.data(), n, ranks, base, out);
      return Outcome::done;
    }
    const std::int64_t n_portions = std::clamp<std::int64_t>(n / kLeastPortion, 1, kMostPortions);
    const std::int64_t size = (n - 1) / n_portions + 1;
    K low = 0;
    K high = 0;
    if (survey(from, n, n_portions, size, low, high) == Outcome::cancelled) {
      return Outcome::cancelled;
    }
    if (low == high) {
      std::fill_n(out, ranks.size(), low);
      return Outcome::done;
    }
    const int width = static_cast<int>(std::bit_width(static_cast<K>(high - low)));
    const int cell_bits = std::min(width, kMostCellBits);
    const int shift = width - cell_bits;
    const std::int64_t n_cells = std::int64_t{1} << cell_bits;
    // Inside the cells even if somebody changes the array meanwhile: no memory is damaged.
    const auto cell_of = [=](K key) {
      const auto cell = static_cast<std::uint64_t>(static_cast<K>(key - low) >> shift);
      return static_cast<std::int64_t>(std::min(cell, static_cast<std::uint64_t>(n_cells - 1)));
    };

    const WorkMemory<std::uint32_t> counts(n_portions * n_cells);
    auto outcome = walk(
        from, n, n_portions, size,
        [&](std::int64_t portion) { std::fill_n(counts.data() + portion * n_cells, n_cells, 0U); },
        [&](std::int64_t portion, const K* keys, std::int64_t count) {
          std::uint32_t* const mine = counts.data() + portion * n_cells;
          for (std::int64_t i = 0; i < count; ++i) ++mine[cell_of(keys[i])];
        });
    if (outcome == Outcome::cancelled) return outcome;

    // The cells that hold wanted ranks, each looked at by itself.
    std::vector<std::int64_t> totals(static_cast<std::size_t>(n_cells));
    for (std::int64_t portion = 0; portion < n_portions; ++portion) {
      for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        totals[static_cast<std::size_t>(cell)] += counts[portion * n_cells + cell];
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
    if (shift == 0) {  // a cell is a key
      for (const Wanted& each : wanted) {
        std::fill(out + each.first, out + each.end,
                  static_cast<K>(low + static_cast<K>(each.cell)));
      }
      return Outcome::done;
    }
    return look_inside(from, n, n_portions, size, wanted, counts, n_cells, cell_of, ranks, out);
  }

 private:
  struct Wanted {
    std::int64_t cell;
    std::int64_t base;  // the rank of its first key
    std::int64_t count;
    std::size_t first;  // of the ranks
    std::size_t end;
  };

  // start(portion), then use(portion, keys, count) for all its keys.
  template <class Start, class Use>
  Outcome walk(const Elements<T>& from, std::int64_t n, std::int64_t n_portions, std::int64_t size,
               const Start& start, const Use& use) const {
    return pool::parallel_for(
        n_portions, execution_, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          K keys[kStep];
          start(portion);
          const std::int64_t end = std::min(n, (portion + 1) * size);
          std::int64_t until_stop = kBetweenStops;
          for (std::int64_t first = portion * size; first < end; first += kStep) {
            const std::int64_t count = std::min(kStep, end - first);
            from.fill(first, count, keys);
            use(portion, keys, count);
            until_stop -= count;
            if (until_stop <= 0) {
              if (checkpoint.stop()) return;
              until_stop = kBetweenStops;
            }
          }
        });
  }

  Outcome survey(const Elements<T>& from, std::int64_t n, std::int64_t n_portions,
                 std::int64_t size, K& low, K& high) const {
    std::vector<K> lows(static_cast<std::size_t>(n_portions));
    std::vector<K> highs(static_cast<std::size_t>(n_portions));
    const auto outcome = walk(
        from, n, n_portions, size,
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

  template <class CellOf>
  Outcome look_inside(const Elements<T>& from, std::int64_t n, std::int64_t n_portions,
                      std::int64_t size, const std::vector<Wanted>& wanted,
                      const WorkMemory<std::uint32_t>& counts, std::int64_t n_cells,
                      const CellOf& cell_of, Ranks ranks, K* out) {
    // Where each portion's share of each wanted cell goes.
    const auto n_wanted = static_cast<std::int64_t>(wanted.size());
    std::vector<std::int64_t> begins;
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(n_portions * n_wanted));
    WorkMemory<std::int32_t> wanted_of(n_cells);
    std::fill_n(wanted_of.data(), n_cells, -1);
    std::int64_t next = 0;
    for (std::int64_t w = 0; w < n_wanted; ++w) {
      begins.push_back(next);
      const std::int64_t cell = wanted[static_cast<std::size_t>(w)].cell;
      wanted_of[cell] = static_cast<std::int32_t>(w);
      for (std::int64_t portion = 0; portion < n_portions; ++portion) {
        offsets[static_cast<std::size_t>(portion * n_wanted + w)] = next;
        next += counts[portion * n_cells + cell];
      }
    }
    WorkMemory<K> kept(next);
    std::vector<std::int64_t> cursors(offsets.size());
    const auto outcome = walk(
        from, n, n_portions, size,
        [&](std::int64_t portion) {
          std::copy_n(offsets.data() + portion * n_wanted, n_wanted,
                      cursors.data() + portion * n_wanted);
        },
        [&](std::int64_t portion, const K* keys, std::int64_t count) {
          std::int64_t* const mine = cursors.data() + portion * n_wanted;
          for (std::int64_t i = 0; i < count; ++i) {
            const std::int32_t w = wanted_of[cell_of(keys[i])];
            if (w < 0) continue;
            const std::int64_t at = mine[w]++;
            if (at < next) kept[at] = keys[i];  // see cell_of
          }
        });
    if (outcome == Outcome::cancelled) return outcome;
    for (std::size_t w = 0; w < wanted.size(); ++w) {
      const Wanted& each = wanted[w];
      Elements<T> inside;
      inside.keys = kept.data() + begins[w];
      const auto part = select(inside, each.count, ranks.subspan(each.first, each.end - each.first),
                               each.base, out + each.first);
      if (part == Outcome::cancelled) return part;
    }
    return Outcome::done;
  }

  const pool::Execution& execution_;
};

template <class T>
Outcome statistics_of(const ArrayView& a, int axis, Ranks ranks, const pool::Execution& execution,
                      unsigned char* out) {
  const RowMajor elements(a, axis);
  if (elements.size() == 0 || ranks.empty()) return Outcome::done;
  const std::int64_t length = lane_length(a, axis);
  const std::int64_t n_lanes = elements.size() / length;
  const auto n_ranks = static_cast<std::int64_t>(ranks.size());
  const auto write = [&](std::int64_t lane, const Key<T>* keys) {
    for (std::int64_t r = 0; r < n_ranks; ++r) {
      const T value = value_of<T>(keys[r]);
      std::memcpy(out + (lane * n_ranks + r) * static_cast<std::int64_t>(sizeof(T)), &value,
                  sizeof(T));
    }
  };
  if (length >= kLarge) {
    std::vector<Key<T>> keys(ranks.size());
    for (std::int64_t lane = 0; lane < n_lanes; ++lane) {
      Elements<T> from;
      from.elements = &elements;
      from.begin = lane * length;
      const auto outcome = Selection<T>(execution).select(from, length, ranks, 0, keys.data());
      if (outcome == Outcome::cancelled) return outcome;
      write(lane, keys.data());
    }
    return Outcome::done;
  }
  const std::int64_t lanes_at_once = std::max<std::int64_t>(1, kLarge / 4 / length);
  std::atomic<bool> no_memory{false};  // relaxed: read after the end of the run alone
  const auto outcome = pool::parallel_for(
      (n_lanes - 1) / lanes_at_once + 1, execution,
      [&](std::int64_t chunk, const pool::Checkpoint&) {
        WorkMemory<Key<T>> memory;
        if (!memory.try_allocate(length + n_ranks)) {
          no_memory.store(true, std::memory_order_relaxed);
          return;
        }
        Key<T>* const keys = memory.data() + n_ranks;
        const std::int64_t end = std::min(n_lanes, (chunk + 1) * lanes_at_once);
        for (std::int64_t lane = chunk * lanes_at_once; lane < end; ++lane) {
          elements.visit<T>(lane * length, length,
                            [&](std::int64_t i, T value) { keys[i] = key_of(value); });
          select_in_place(keys, length, ranks, 0, memory.data());
          write(lane, memory.data());
        }
      });
  if (no_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
  return outcome;
}

}  // namespace

Outcome order_statistics(const ArrayView& a, int axis, Ranks ranks,
                         const pool::Execution& execution, void* out) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return statistics_of<T>(a, axis, ranks, execution, static_cast<unsigned char*>(out));
  });
}

double order_statistics_estimated_ns(const ArrayView& a) {
  return 300.0 + 6.0 * static_cast<double>(a.size());
}

}  // namespace nativeconc::kernels
