// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Groups by integer keys within a narrow range: a table with a place for each key there may be.
//
// Any thread, several at once, after fork. How: if the table fits the nearer caches, each portion
// of the rows has one of its own, a layer, and the layers are merged in the order of the portions.
// If not, rows are brought together in parts, each with a stretch of the keys, which then lies in
// the caches. Places are in the order of the keys, so nothing has to be sorted.
#pragma once

#include <vector>

#include "nativeconc/kernels/group_output.hpp"
#include "nativeconc/kernels/group_parts.hpp"

namespace nativeconc::kernels {

// The keys from low to low + size - 1, as words.
struct KeyRange {
  std::uint64_t low = 0;
  std::int64_t size = 0;

  // Where a key's place is: inside, even if somebody changes the keys meanwhile.
  std::int64_t place(std::uint64_t key) const {
    return static_cast<std::int64_t>(std::min(key - low, static_cast<std::uint64_t>(size - 1)));
  }
};

template <class State>
class DenseGroups {
 public:
  // From here on a table is too large to go through it at random.
  static constexpr std::int64_t kOneTable = 1 << 16;

  DenseGroups(const RowWords& rows, const KeyRange& range, const pool::Execution& execution)
      : rows_(rows), range_(range), execution_(execution) {}

  // Throws std::bad_alloc.
  pool::Outcome run(GroupOutput& out) {
    const auto outcome = range_.size <= kOneTable ? fill_layers() : fill_parts();
    return outcome == pool::Outcome::done ? finish(out) : outcome;
  }

 private:
  static constexpr std::int64_t kStretch = 4096;  // places, finished at a time

  void allocate(std::int64_t n_layers) {
    n_layers_ = n_layers;
    states_ = WorkMemory<State>(n_layers * range_.size);
    taken_ = WorkMemory<bool>(n_layers * range_.size);
  }

  pool::Outcome fill_layers() {
    // Enough rows for a layer to be cheap to clear and to merge beside them.
    const RowPortions portions(rows_.size(), std::max(kRowPortion, 16 * range_.size));
    allocate(portions.n_portions);
    return pool::parallel_for(
        n_layers_, execution_, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
          State* const states = states_.data() + portion * range_.size;
          bool* const taken = taken_.data() + portion * range_.size;
          std::fill_n(states, range_.size, State{});
          std::fill_n(taken, range_.size, false);
          rows_.visit(portions.begin(portion), portions.end(portion), checkpoint,
                      [&](const std::uint64_t* keys, const std::uint64_t* values, std::int64_t n) {
                        for (std::int64_t i = 0; i < n; ++i) {
                          const std::int64_t at = range_.place(keys[i]);
                          taken[at] = true;
                          states[at].add(values[i]);
                        }
                        return true;
                      });
        });
  }

  pool::Outcome fill_parts() {
    constexpr int kLeastBits = 14;  // of the places of a part
    int bits = kLeastBits;
    while ((range_.size - 1) >> bits >= GroupParts::kMostParts) ++bits;
    const std::int64_t width = std::int64_t{1} << bits;
    GroupParts parts;
    const auto outcome = parts.gather(
        rows_, ((range_.size - 1) >> bits) + 1,
        [&](std::uint64_t key) { return range_.place(key) >> bits; }, execution_);
    if (outcome == pool::Outcome::cancelled) return outcome;
    allocate(1);
    return pool::parallel_for(
        parts.n_parts(), execution_, [&](std::int64_t part, const pool::Checkpoint& checkpoint) {
          const std::int64_t first = part * width;
          const std::int64_t count = std::min(width, range_.size - first);
          std::fill_n(states_.data() + first, count, State{});
          std::fill_n(taken_.data() + first, count, false);
          parts.visit(part, checkpoint, [&](std::uint64_t key, std::uint64_t value) {
            const std::int64_t at = std::clamp(range_.place(key), first, first + count - 1);
            taken_[at] = true;
            states_[at].add(value);
            return true;
          });
        });
  }

  bool is_taken(std::int64_t at) const {
    for (std::int64_t layer = 0; layer < n_layers_; ++layer) {
      if (taken_[layer * range_.size + at]) return true;
    }
    return false;
  }

  std::uint64_t result(std::int64_t at) const {
    if (n_layers_ == 1) return states_[at].result();
    State all{};
    for (std::int64_t layer = 0; layer < n_layers_; ++layer) {
      const std::int64_t place = layer * range_.size + at;
      if (taken_[place]) all.merge(states_[place]);
    }
    return all.result();
  }

  pool::Outcome finish(GroupOutput& out) const {
    const std::int64_t n_stretches = (range_.size - 1) / kStretch + 1;
    std::vector<std::int64_t> before(static_cast<std::size_t>(n_stretches) + 1);
    auto outcome = pool::parallel_for(
        n_stretches, execution_, [&](std::int64_t stretch, const pool::Checkpoint&) {
          const std::int64_t end = std::min(range_.size, (stretch + 1) * kStretch);
          std::int64_t count = 0;
          for (std::int64_t at = stretch * kStretch; at < end; ++at) count += is_taken(at) ? 1 : 0;
          before[static_cast<std::size_t>(stretch) + 1] = count;
        });
    if (outcome == pool::Outcome::cancelled) return outcome;
    for (std::size_t i = 1; i < before.size(); ++i) before[i] += before[i - 1];
    out.allocate(before.back());
    return pool::parallel_for(
        n_stretches, execution_, [&](std::int64_t stretch, const pool::Checkpoint&) {
          std::uint64_t keys[kBlock];
          std::uint64_t results[kBlock];
          const std::int64_t end = std::min(range_.size, (stretch + 1) * kStretch);
          std::int64_t next = before[static_cast<std::size_t>(stretch)];
          std::int64_t n = 0;
          for (std::int64_t at = stretch * kStretch; at < end; ++at) {
            if (!is_taken(at)) continue;
            keys[n] = range_.low + static_cast<std::uint64_t>(at);
            results[n] = result(at);
            if (++n < kBlock) continue;
            out.write(next, n, keys, results);
            next += n;
            n = 0;
          }
          out.write(next, n, keys, results);
        });
  }

  const RowWords& rows_;
  const KeyRange range_;
  const pool::Execution& execution_;
  std::int64_t n_layers_ = 0;
  WorkMemory<State> states_;  // [layer][place]
  WorkMemory<bool> taken_;    // [layer][place]
};

}  // namespace nativeconc::kernels
