// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/add_at.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <type_traits>

#include "nativeconc/kernels/bincount.hpp"
#include "nativeconc/kernels/both_ends.hpp"
#include "nativeconc/kernels/owned_places.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

// With fewer indices than this, the target is changed at once, by one thread.
constexpr std::int64_t kCopyAbove = 1 << 15;
// And also if it has more elements than this for each index: copying it would cost most.
constexpr std::int64_t kSparse = 4;

bool in_place(std::int64_t n, std::int64_t n_indices) {
  return n_indices < kCopyAbove || n > kSparse * n_indices;
}

template <class T, class B>
T sum_of(T value, B number) {
  if constexpr (std::is_same_v<T, bool>) {
    return value || number;
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(static_cast<B>(value) + number);
  } else {
    return static_cast<T>(static_cast<std::uint64_t>(value) + static_cast<std::uint64_t>(number));
  }
}

// The target's elements, by their place.
template <class T>
struct Target {
  unsigned char* data;
  std::int64_t stride;

  T get(std::int64_t place) const { return element<T>(data + place * stride, 0); }
  void set(std::int64_t place, T value) const {
    std::memcpy(data + place * stride, &value, sizeof(T));
  }
};

// b as a function of an index's number.
template <class B>
class Numbers {
 public:
  explicit Numbers(const ArrayView& b) : walk_(b), single_(b.ndim == 0) {
    if (single_) walk_.gather(0, 1, reinterpret_cast<unsigned char*>(&one_));
  }

  bool single() const { return single_; }
  B one() const { return one_; }

  // Calls use(number): number(i) is that of index first + i, i < n <= kBlock.
  template <class Use>
  void with_block(std::int64_t first, std::int64_t n, unsigned char* buffer, Use&& use) const {
    if (single_) {
      use([one = one_](std::int64_t) { return one; });
    } else {
      const unsigned char* const block = block_of(walk_, first, n, buffer);
      use([block](std::int64_t i) { return element<B>(block, i); });
    }
  }

 private:
  StridedWalk walk_;
  bool single_;
  B one_{};
};

std::int64_t place_of(std::int64_t index, std::int64_t n) { return index < 0 ? index + n : index; }

// By one thread, in place.
template <class T, class B>
pool::Outcome add_in_place(const Target<T>& target, std::int64_t n, const StridedWalk& indices,
                           const Numbers<B>& numbers, const pool::Execution& execution) {
  return pool::parallel_for(1, execution, [&](std::int64_t, const pool::Checkpoint& checkpoint) {
    alignas(64) unsigned char buffer[kBlock * 8];
    visit_blocks(indices, 0, indices.size, checkpoint,
                 [&](const unsigned char* block, std::int64_t count, std::int64_t done) {
                   numbers.with_block(done, count, buffer, [&](const auto& number) {
                     for (std::int64_t i = 0; i < count; ++i) {
                       const std::int64_t place = place_of(element<std::int64_t>(block, i), n);
                       if (place < 0 || place >= n) continue;  // changed since it was checked
                       target.set(place, sum_of<T, B>(target.get(place), number(i)));
                     }
                   });
                 });
  });
}

// Into a copy, each part of which is owned by one chunk. Sets `fits` to whether all indices are in
// range.
template <class T, class B>
pool::Outcome add_to_copy(const Target<T>& target, std::int64_t n, const StridedWalk& indices,
                          const Numbers<B>& numbers, const pool::Execution& execution, T* copy,
                          bool& fits) {
  const OwnedRanges ranges = owned_ranges(indices.size, n, execution.threads, [&](std::int64_t i) {
    std::int64_t index;
    indices.gather(i, 1, reinterpret_cast<unsigned char*>(&index));
    return std::clamp<std::int64_t>(place_of(index, n), 0, n);
  });
  std::array<bool, OwnedRanges::kMostParts> part_fits;
  part_fits.fill(true);
  const pool::Outcome outcome = pool::parallel_for(
      ranges.n_parts, execution, [&](std::int64_t part, const pool::Checkpoint& checkpoint) {
        const std::int64_t low = ranges.low(part);
        const std::int64_t high = ranges.high(part);
        alignas(64) unsigned char buffer[kBlock * 8];
        std::int64_t places[kBlock];
        std::uint16_t own[kBlock + 8];
        bool all_in_range = true;
        for (std::int64_t i = low; i < high; ++i) copy[i] = target.get(i);
        visit_blocks(indices, 0, indices.size, checkpoint,
                     [&](const unsigned char* block, std::int64_t count, std::int64_t done) {
                       for (std::int64_t i = 0; i < count; ++i) {
                         const std::int64_t place = place_of(element<std::int64_t>(block, i), n);
                         all_in_range &= place >= 0 && place < n;
                         places[i] = place;
                       }
                       if (!all_in_range) return;
                       numbers.with_block(done, count, buffer, [&](const auto& number) {
                         if (ranges.n_parts == 1) {
                           for (std::int64_t i = 0; i < count; ++i) {
                             T& value = copy[places[i]];
                             value = sum_of<T, B>(value, number(i));
                           }
                           return;
                         }
                         std::int64_t n_own = 0;
                         OwnElements::Stamped::run(reinterpret_cast<unsigned char*>(places), count,
                                                   low, high, own, n_own);
                         for (std::int64_t k = 0; k < n_own; ++k) {
                           T& value = copy[places[own[k]]];
                           value = sum_of<T, B>(value, number(own[k]));
                         }
                       });
                     });
        part_fits[static_cast<std::size_t>(part)] = all_in_range;
      });
  fits = std::find(part_fits.begin(), part_fits.end(), false) == part_fits.end();
  return outcome;
}

// value + number + number + ..., one after the other, for a few values at once.
template <class T, class B>
void add_repeatedly(const Target<T>& target, std::int64_t first, std::int64_t count,
                    const std::int64_t* times, B number, const pool::Checkpoint& checkpoint,
                    T* out) {
  constexpr std::int64_t kAtOnce = 8;  // so that one addition does not wait for the one before
  constexpr std::int64_t kBetweenChecks = 1 << 18;
  std::int64_t until_check = kBetweenChecks;
  for (std::int64_t group = 0; group < count; group += kAtOnce) {
    const std::int64_t n = std::min(kAtOnce, count - group);
    T values[kAtOnce] = {};
    std::int64_t left[kAtOnce] = {};
    for (std::int64_t k = 0; k < n; ++k) {
      values[k] = target.get(first + group + k);
      left[k] = times[first + group + k];
    }
    if constexpr (std::is_integral_v<T>) {
      for (std::int64_t k = 0; k < n; ++k) {
        if constexpr (std::is_same_v<T, bool>) {
          values[k] = values[k] || (left[k] > 0 && number);
        } else {
          values[k] = static_cast<T>(static_cast<std::uint64_t>(values[k]) +
                                     static_cast<std::uint64_t>(left[k]) *
                                         static_cast<std::uint64_t>(number));
        }
      }
    } else {
      const std::int64_t common = *std::min_element(left, left + n);
      for (std::int64_t turn = 0; turn < common; ++turn) {
        for (std::int64_t k = 0; k < kAtOnce; ++k) values[k] = sum_of<T, B>(values[k], number);
        if (--until_check == 0) {
          if (checkpoint.stop()) return;
          until_check = kBetweenChecks;
        }
      }
      for (std::int64_t k = 0; k < n; ++k) {
        for (std::int64_t turn = common; turn < left[k]; ++turn) {
          values[k] = sum_of<T, B>(values[k], number);
          if (--until_check == 0) {
            if (checkpoint.stop()) return;
            until_check = kBetweenChecks;
          }
        }
      }
    }
    std::copy(values, values + n, out + group);
  }
}

// One number for all indices: then it matters only how often each place occurs.
template <class T, class B>
pool::Outcome add_counted(const Target<T>& target, std::int64_t n, const Bincount& counted,
                          B number, const pool::Execution& execution, T* copy) {
  constexpr std::int64_t kAtOnce = 64;
  const auto* const times = static_cast<const std::int64_t*>(counted.numbers.get());
  return pool::parallel_for((n + kAtOnce - 1) / kAtOnce, execution,
                            [&](std::int64_t part, const pool::Checkpoint& checkpoint) {
                              const std::int64_t first = part * kAtOnce;
                              add_repeatedly<T, B>(target, first, std::min(kAtOnce, n - first),
                                                   times, number, checkpoint, copy + first);
                            });
}

// `counted` may be null: how often each place occurs. Sets `fits` to whether all indices are in
// range.
template <class T, class B>
pool::Outcome add_at_of(const ArrayView& view, const ArrayView& indices, const ArrayView& b,
                        const Bincount* counted, const pool::Execution& execution, bool& fits) {
  const std::int64_t n = view.shape[0];
  const Target<T> target{static_cast<unsigned char*>(const_cast<void*>(view.data)),
                         view.strides[0]};
  const StridedWalk walk(indices);
  const Numbers<B> numbers(b);
  pool::Outcome outcome = pool::Outcome::done;
  if (in_place(n, walk.size)) {
    Extremes ends;
    outcome = extremes(indices, execution, ends);
    if (outcome != pool::Outcome::done) return outcome;
    fits = ends.low >= -n && ends.high < n;
    return fits ? add_in_place<T, B>(target, n, walk, numbers, execution) : outcome;
  }
  const std::unique_ptr<T[]> copy(new T[static_cast<std::size_t>(n)]);
  outcome = counted != nullptr
                ? add_counted<T, B>(target, n, *counted, numbers.one(), execution, copy.get())
                : add_to_copy<T, B>(target, n, walk, numbers, execution, copy.get(), fits);
  if (outcome != pool::Outcome::done || !fits) return outcome;
  constexpr std::int64_t kAtOnce = 1 << 16;
  // Not to be stopped half way.
  return pool::parallel_for((n + kAtOnce - 1) / kAtOnce, {execution.threads},
                            [&](std::int64_t part, const auto&) {
                              const std::int64_t end = std::min((part + 1) * kAtOnce, n);
                              for (std::int64_t i = part * kAtOnce; i < end; ++i) {
                                target.set(i, copy[static_cast<std::size_t>(i)]);
                              }
                            });
}

pool::Outcome add_at_any(const ArrayView& target, const ArrayView& indices, const ArrayView& b,
                         const Bincount* counted, const pool::Execution& execution, bool& fits) {
  if (target.dtype == Dtype::float32 && b.dtype == Dtype::float64) {
    return add_at_of<float, double>(target, indices, b, counted, execution, fits);
  }
  return visit_dtype(target.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return add_at_of<T, T>(target, indices, b, counted, execution, fits);
  });
}

void find_bad(const StridedWalk& indices, std::int64_t n, BadIndex& bad) {
  for (std::int64_t i = 0; i < indices.size && !bad.found; ++i) {
    indices.gather(i, 1, reinterpret_cast<unsigned char*>(&bad.index));
    bad.found = bad.index < -n || bad.index >= n;
  }
}

}  // namespace

pool::Outcome add_at(const ArrayView& target, const ArrayView& indices, const ArrayView& b,
                     const pool::Execution& execution, BadIndex& bad) {
  const std::int64_t n = target.shape[0];
  if (indices.size() == 0) return pool::Outcome::done;
  Bincount counted;
  bool is_counted = false;
  if (b.ndim == 0 && !in_place(n, indices.size())) {
    const pool::Outcome outcome = bincount(indices, nullptr, n, execution, counted, n);
    if (outcome != pool::Outcome::done) return outcome;
    is_counted = !counted.negative && !counted.too_large && counted.n <= n;
  }
  bool fits = true;
  const pool::Outcome outcome =
      add_at_any(target, indices, b, is_counted ? &counted : nullptr, execution, fits);
  if (outcome == pool::Outcome::done && !fits) find_bad(StridedWalk(indices), n, bad);
  return outcome;
}

double add_at_estimated_ns(const ArrayView& target, const ArrayView& indices) {
  const auto size = static_cast<double>(indices.size());
  const auto n = static_cast<double>(target.size());
  return 200.0 + 3.0 * size + std::min(n, 4.0 * size);
}

}  // namespace nativeconc::kernels
