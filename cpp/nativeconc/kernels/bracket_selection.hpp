// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The keys of given ranks in a single pass over the keys, most of the time: a sorted sample gives
// two keys for each rank, between which its key almost surely lies, and close together. The pass
// counts the keys below them and keeps those between. (Floyd and Rivest, CACM 18, 1975.)
//
// Any thread, several at once, after fork. Throws std::bad_alloc.
// The sample is a function of the number of keys. A rank whose key is not where it should be is
// noticed, and somebody else must find it (cell_selection.hpp).
#pragma once

#include <atomic>
#include <bit>
#include <cmath>
#include <new>

#include "nativeconc/kernels/cell_selection.hpp"
#include "nativeconc/kernels/radix_sort.hpp"

namespace nativeconc::kernels {

template <class T>
class BracketSelection {
 public:
  using K = Key<T>;

  explicit BracketSelection(const pool::Execution& execution) : execution_(execution) {}

  // out: the key of each rank, if `found`. At least kLargeSelection keys.
  pool::Outcome select(const KeySource<T>& source, Ranks ranks, K* out, bool& found) const {
    found = false;
    std::vector<Bracket> brackets;
    if (set_up(source, ranks, brackets) == pool::Outcome::cancelled) {
      return pool::Outcome::cancelled;
    }
    if (brackets.size() > kMostBrackets) return pool::Outcome::done;
    const KeyPortions portions(source.size());
    std::vector<Share> shares(static_cast<std::size_t>(portions.count) * brackets.size());
    if (look(source, portions, brackets, shares) == pool::Outcome::cancelled) {
      return pool::Outcome::cancelled;
    }
    for (std::size_t b = 0; b < brackets.size(); ++b) {
      found = true;
      const auto outcome =
          settle(brackets[b], std::span(shares).subspan(b), brackets.size(), ranks, out, found);
      if (outcome == pool::Outcome::cancelled || !found) return outcome;
    }
    return pool::Outcome::done;
  }

 private:
  static constexpr std::size_t kMostBrackets = 8;  // each costs a look at every key
  static constexpr std::int64_t kLargestSample = 1 << 20;

  struct Bracket {
    K low;
    K high;
    std::size_t first;  // of the ranks
    std::size_t end;
  };

  // What one portion has of one bracket.
  struct Share {
    std::int64_t below = 0;
    std::int64_t at_low = 0;
    std::int64_t at_high = 0;  // if high is another key
    std::vector<K> between;
  };

  pool::Outcome set_up(const KeySource<T>& source, Ranks ranks,
                       std::vector<Bracket>& brackets) const {
    const std::int64_t n = source.size();
    const double root = std::cbrt(static_cast<double>(n));
    const std::int64_t size = std::min(static_cast<std::int64_t>(root * root), kLargestSample);
    const WorkMemory<K> memory(2 * size);
    K* const sample = memory.data();
    const std::int64_t step = n / size;
    const auto outcome =
        pool::parallel_for(1, execution_, [&](std::int64_t, const pool::Checkpoint& checkpoint) {
          std::uint64_t state = 0;
          for (std::int64_t i = 0; i < size; ++i) {
            // Not evenly spaced, so as not to fall in with a pattern. (Weyl's sequence.)
            state += 0x9e3779b97f4a7c15U;
            const auto part =
                static_cast<std::int64_t>((state >> 32) * static_cast<std::uint64_t>(step) >> 32);
            sample[i] = source.at(i * step + part);
          }
          sort_records<KeyRecord<K>>(sample, sample, sample + size, size, checkpoint);
        });
    if (outcome == pool::Outcome::cancelled) return outcome;

    for (std::size_t r = 0; r < ranks.size(); ++r) {
      // Where the rank would be in the sample, give or take five standard deviations.
      const double part = (static_cast<double>(ranks[r]) + 0.5) / static_cast<double>(n);
      const double place = part * static_cast<double>(size);
      const double spread = 5.0 * std::sqrt(place * (1.0 - part)) + 4.0;
      const auto from = static_cast<std::int64_t>(std::floor(place - spread));
      const auto to = static_cast<std::int64_t>(std::ceil(place + spread));
      const K low = from < 0 ? K{0} : sample[std::min(from, size - 1)];
      const K high = to >= size ? static_cast<K>(~K{0}) : sample[std::max<std::int64_t>(to, 0)];
      if (!brackets.empty() && low <= brackets.back().high) {
        brackets.back().high = std::max(brackets.back().high, high);
        brackets.back().end = r + 1;
      } else {
        brackets.push_back({low, high, r, r + 1});
      }
    }
    return pool::Outcome::done;
  }

  pool::Outcome look(const KeySource<T>& source, const KeyPortions& portions,
                     const std::vector<Bracket>& brackets, std::vector<Share>& shares) const {
    const std::size_t n_brackets = brackets.size();
    std::atomic<bool> no_memory{false};  // relaxed: read after the end of the run alone
    const auto outcome = walk_keys(
        source, portions, execution_,
        [&](std::int64_t portion) {
          std::fill_n(shares.begin() + portion * static_cast<std::int64_t>(n_brackets), n_brackets,
                      Share{});
        },
        [&](std::int64_t portion, const K* keys, std::int64_t count) {
          Share* const mine = shares.data() + static_cast<std::size_t>(portion) * n_brackets;
          try {
            for (std::size_t b = 0; b < n_brackets; ++b) {
              look_at(keys, count, brackets[b].low, brackets[b].high, mine[b]);
            }
          } catch (const std::bad_alloc&) {
            no_memory.store(true, std::memory_order_relaxed);
          }
        });
    if (no_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
    return outcome;
  }

  static void look_at(const K* keys, std::int64_t count, K low, K high, Share& share) {
    const K width = static_cast<K>(high - low);
    std::int64_t below = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const K key = keys[i];
      below += key < low ? 1 : 0;
      if (static_cast<K>(key - low) > width) [[likely]] {
        continue;
      }
      if (key == low) {
        ++share.at_low;
      } else if (key == high) {
        ++share.at_high;
      } else {
        share.between.push_back(key);
      }
    }
    share.below += below;
  }

  // The keys of the ranks of one bracket. shares: its own, every `step`-th.
  pool::Outcome settle(const Bracket& bracket, std::span<const Share> shares, std::size_t step,
                       Ranks ranks, K* out, bool& found) const {
    Share all;
    std::int64_t n_between = 0;
    for (std::size_t s = 0; s < shares.size(); s += step) {
      all.below += shares[s].below;
      all.at_low += shares[s].at_low;
      all.at_high += shares[s].at_high;
      n_between += static_cast<std::int64_t>(shares[s].between.size());
    }
    const std::int64_t between = all.below + all.at_low;  // the rank of the first of them
    const std::int64_t at_high = between + n_between;
    std::size_t first = bracket.first;
    while (first < bracket.end && ranks[first] < between) {
      found = found && ranks[first] >= all.below;
      out[first++] = bracket.low;
    }
    std::size_t end = bracket.end;
    while (end > first && ranks[end - 1] >= at_high) {
      found = found && ranks[end - 1] < at_high + all.at_high;
      out[--end] = bracket.high;
    }
    if (!found || first == end) return pool::Outcome::done;
    const WorkMemory<K> kept(n_between);
    K* next = kept.data();
    for (std::size_t s = 0; s < shares.size(); s += step) {
      next = std::copy(shares[s].between.begin(), shares[s].between.end(), next);
    }
    const Ranks inside = ranks.subspan(first, end - first);
    if (n_between < kLargeSelection) {
      select_in_place(kept.data(), n_between, inside, between, out + first);
      return pool::Outcome::done;
    }
    return CellSelection<T>(execution_)
        .select(KeySource<T>(kept.data(), n_between), inside, between, out + first);
  }

  const pool::Execution& execution_;
};

}  // namespace nativeconc::kernels
