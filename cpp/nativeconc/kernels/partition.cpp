// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/partition.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "nativeconc/kernels/order_statistics.hpp"
#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/sort.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;

constexpr int kMostPivots = 8;  // each costs a look at every element
constexpr int kMostClasses = 2 * kMostPivots + 1;
constexpr std::int64_t kStep = 256;  // elements handed on at a time
constexpr std::int64_t kBetweenStops = 1 << 16;
constexpr std::int64_t kPortion = 1 << 18;

// Classes are numbered from 0; the odd ones are those of the pivots.
template <class T>
class Pivots {
 public:
  void set(const T* values, std::int64_t n) {
    n_ = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const Key<T> key = equal_key_of(values[i]);
      if (n_ == 0 || key != keys_[n_ - 1]) keys_[n_++] = key;
    }
  }

  int n_classes() const { return 2 * static_cast<int>(n_) + 1; }

  int class_of(T value) const {
    const Key<T> key = equal_key_of(value);
    int number = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      number += (key >= keys_[i] ? 1 : 0) + (key > keys_[i] ? 1 : 0);
    }
    return number;
  }

 private:
  std::size_t n_ = 0;
  Key<T> keys_[kMostPivots]{};
};

using Counts = std::int64_t[kMostClasses];

// One lane, or some portions of it.
template <class T>
class Split {
 public:
  Split(const RowMajor& elements, std::int64_t begin, std::int64_t length, const Pivots<T>& pivots)
      : elements_(elements), begin_(begin), length_(length), pivots_(pivots) {}

  // False: stopped on the way.
  bool count(std::int64_t first, std::int64_t n, Counts& counts,
             const pool::Checkpoint& checkpoint) const {
    std::fill_n(counts, kMostClasses, 0);
    return walk(first, n, checkpoint, [&](std::int64_t at, std::int64_t some) {
      if (pivots_.n_classes() == 3) {
        std::int64_t above[2] = {0, 0};  // in registers
        elements_.visit<T>(begin_ + at, some, [&](std::int64_t, T value) {
          const int number = pivots_.class_of(value);
          above[0] += number > 0 ? 1 : 0;
          above[1] += number > 1 ? 1 : 0;
        });
        counts[0] += some - above[0];
        counts[1] += above[0] - above[1];
        counts[2] += above[1];
      } else {
        elements_.visit<T>(begin_ + at, some,
                           [&](std::int64_t, T value) { ++counts[pivots_.class_of(value)]; });
      }
    });
  }

  // places: where the next element of each class goes; all of them lie inside `out`.
  bool move(std::int64_t first, std::int64_t n, Counts& places, T* out,
            const pool::Checkpoint& checkpoint) const {
    // Gathered here first: two portions must not write to one place, not even in passing.
    T gathered[kMostClasses][kStep];
    return walk(first, n, checkpoint, [&](std::int64_t at, std::int64_t some) {
      std::int64_t counts[kMostClasses] = {};
      if (pivots_.n_classes() == 3) {
        gather_three(at, some, gathered, counts);
      } else {
        elements_.visit<T>(begin_ + at, some, [&](std::int64_t, T value) {
          const int number = pivots_.class_of(value);
          gathered[number][counts[number]++] = value;
        });
      }
      for (int number = 0; number < pivots_.n_classes(); ++number) {
        // Never beyond the end, if somebody changes the array meanwhile.
        const std::int64_t here = std::min(counts[number], length_ - places[number]);
        std::memcpy(out + places[number], gathered[number],
                    static_cast<std::size_t>(here) * sizeof(T));
        places[number] += here;
      }
    });
  }

 private:
  template <class Use>
  bool walk(std::int64_t first, std::int64_t n, const pool::Checkpoint& checkpoint,
            const Use& use) const {
    for (std::int64_t done = 0; done < n; done += kStep) {
      if (done % kBetweenStops == 0 && done > 0 && checkpoint.stop()) return false;
      use(first + done, std::min(kStep, n - done));
    }
    return true;
  }

  // Each element is written to all three, and counts in one: no branch that can be guessed wrong.
  void gather_three(std::int64_t at, std::int64_t some, T (&gathered)[kMostClasses][kStep],
                    std::int64_t* counts) const {
    std::int64_t below = 0;
    std::int64_t equal = 0;
    std::int64_t above = 0;
    elements_.visit<T>(begin_ + at, some, [&](std::int64_t, T value) {
      const int number = pivots_.class_of(value);
      gathered[0][below] = value;
      gathered[1][equal] = value;
      gathered[2][above] = value;
      below += number == 0 ? 1 : 0;
      equal += number == 1 ? 1 : 0;
      above += number == 2 ? 1 : 0;
    });
    counts[0] = below;
    counts[1] = equal;
    counts[2] = above;
  }

  const RowMajor& elements_;
  std::int64_t begin_;
  std::int64_t length_;
  const Pivots<T>& pivots_;
};

// From counts to places: class by class, in each the portions in their order.
void add_up(std::int64_t n_portions, Counts* counts) {
  std::int64_t next = 0;
  for (int number = 0; number < kMostClasses; ++number) {
    for (std::int64_t portion = 0; portion < n_portions; ++portion) {
      const std::int64_t here = counts[portion][number];
      counts[portion][number] = next;
      next += here;
    }
  }
}

// A long lane, on all cores.
template <class T>
Outcome split_large(const RowMajor& elements, std::int64_t begin, std::int64_t length,
                    const Pivots<T>& pivots, const pool::Execution& execution, T* out) {
  const Split<T> split(elements, begin, length, pivots);
  const std::int64_t n_portions = (length - 1) / kPortion + 1;
  const WorkMemory<Counts> counts(n_portions);
  const auto size_of_portion = [&](std::int64_t portion) {
    return std::min(kPortion, length - portion * kPortion);
  };
  const auto outcome = pool::parallel_for(
      n_portions, execution, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
        split.count(portion * kPortion, size_of_portion(portion), counts[portion], checkpoint);
      });
  if (outcome == Outcome::cancelled) return outcome;
  add_up(n_portions, counts.data());
  return pool::parallel_for(
      n_portions, execution, [&](std::int64_t portion, const pool::Checkpoint& checkpoint) {
        Counts places;  // a copy: the chunk may be run again
        std::copy_n(counts[portion], kMostClasses, places);
        split.move(portion * kPortion, size_of_portion(portion), places, out, checkpoint);
      });
}

template <class T>
Outcome partition_of(const ArrayView& a, int axis, std::span<const std::int64_t> ranks,
                     const pool::Execution& execution, T* out) {
  const RowMajor elements(a, axis);
  if (elements.size() == 0) return Outcome::done;
  const std::int64_t length = lane_length(a, axis);
  const std::int64_t n_lanes = elements.size() / length;
  const auto n_ranks = static_cast<std::int64_t>(ranks.size());
  const WorkMemory<T> found(n_lanes * n_ranks);
  const auto outcome = order_statistics(a, axis, ranks, execution, found.data());
  if (outcome == Outcome::cancelled) return outcome;
  if (length >= kPortion) {
    for (std::int64_t lane = 0; lane < n_lanes; ++lane) {
      Pivots<T> pivots;
      pivots.set(found.data() + lane * n_ranks, n_ranks);
      const auto part =
          split_large(elements, lane * length, length, pivots, execution, out + lane * length);
      if (part == Outcome::cancelled) return part;
    }
    return Outcome::done;
  }
  const std::int64_t lanes_at_once = std::max<std::int64_t>(1, kPortion / 4 / length);
  return pool::parallel_for((n_lanes - 1) / lanes_at_once + 1, execution,
                            [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
                              const std::int64_t end =
                                  std::min(n_lanes, (chunk + 1) * lanes_at_once);
                              for (std::int64_t lane = chunk * lanes_at_once; lane < end; ++lane) {
                                Pivots<T> pivots;
                                pivots.set(found.data() + lane * n_ranks, n_ranks);
                                const Split<T> split(elements, lane * length, length, pivots);
                                Counts places;
                                if (!split.count(0, length, places, checkpoint)) return;
                                add_up(1, &places);
                                if (!split.move(0, length, places, out + lane * length, checkpoint))
                                  return;
                              }
                            });
}

}  // namespace

Outcome partition(const ArrayView& a, int axis, std::span<const std::int64_t> ranks,
                  const pool::Execution& execution, void* out) {
  if (ranks.size() > kMostPivots) return sort(a, axis, execution, out);
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return partition_of<T>(a, axis, ranks, execution, static_cast<T*>(out));
  });
}

double partition_estimated_ns(const ArrayView& a, int axis, std::int64_t n_ranks) {
  if (n_ranks > kMostPivots) return sort_estimated_ns(a, axis);
  return 400.0 + (8.0 + static_cast<double>(n_ranks)) * static_cast<double>(a.size());
}

}  // namespace nativeconc::kernels
