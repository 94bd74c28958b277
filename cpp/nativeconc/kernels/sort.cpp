// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/sort.hpp"

#include <cstring>

#include "nativeconc/kernels/counting_sort.hpp"
#include "nativeconc/kernels/lane_sort.hpp"

namespace nativeconc::kernels {
namespace {

template <class T>
using Kind = KeyRecord<Key<T>>;

template <class T>
class Keys final : public RecordSource<Kind<T>> {
 public:
  Keys(const RowMajor& elements, std::int64_t begin) : elements_(elements), begin_(begin) {}

  void fill(std::int64_t first, std::int64_t count, Key<T>* out) const override {
    elements_.visit<T>(begin_ + first, count,
                       [&](std::int64_t i, T value) { out[i] = key_of(value); });
  }

 private:
  const RowMajor& elements_;
  std::int64_t begin_;
};

// The keys are sorted where the numbers are to be.
template <class T>
class Numbers final : public RecordSink<Kind<T>> {
 public:
  explicit Numbers(unsigned char* begin) : begin_(begin) {}

  Key<T>* place(std::int64_t first) const override {
    return reinterpret_cast<Key<T>*>(begin_) + first;
  }

  void emit(std::int64_t first, std::int64_t count, const Key<T>*) const override {
    Key<T>* const keys = place(first);
    for (std::int64_t i = 0; i < count; ++i) {
      const T value = value_of<T>(keys[i]);
      std::memcpy(keys + i, &value, sizeof(T));
    }
  }

 private:
  unsigned char* begin_;
};

// The first of n sorted numbers whose key is not below `key`.
template <class T>
std::int64_t lower_bound(const T* sorted, std::int64_t n, Key<T> key) {
  return std::lower_bound(sorted, sorted + n, key,
                          [](T value, Key<T> k) { return key_of(value) < k; }) -
         sorted;
}

// The sort puts numbers that are equal but not the same in the order of their bits: brings them
// back to the order they came in. False: stopped.
template <class T>
bool restore_order(const RowMajor& elements, std::int64_t begin, std::int64_t n, T* sorted,
                   const pool::Checkpoint& checkpoint) {
  constexpr std::int64_t kStep = 1 << 16;
  constexpr Key<T> kLowestZero = key_of(static_cast<T>(-0.0));
  const std::int64_t zeros = lower_bound<T>(sorted, n, kLowestZero);
  const std::int64_t zeros_end = lower_bound<T>(sorted, n, kLowestZero + 2);
  const std::int64_t nans = lower_bound<T>(sorted, n, kInfinityKey<T> + 1);
  // Not by looking whether they differ: if this chunk is run again, they are half restored.
  if (zeros_end - zeros < 2 && n - nans < 2) return true;
  std::int64_t next_zero = zeros;
  std::int64_t next_nan = nans;
  for (std::int64_t at = 0; at < n; at += kStep) {
    elements.visit<T>(begin + at, std::min(kStep, n - at), [&](std::int64_t, T value) {
      if (value == T{0}) sorted[next_zero++] = value;
      if (value != value) {
        // By its bits: as a value it might be changed on the way.
        const Key<T> bits = std::bit_cast<Key<T>>(value);
        std::memcpy(sorted + next_nan++, &bits, sizeof(T));
      }
    });
    if (n > kStep && checkpoint.stop()) return false;
  }
  return true;
}

template <class T>
pool::Outcome sort_of(const ArrayView& a, int axis, const pool::Execution& execution, T* out) {
  const RowMajor elements(a, axis);
  if (elements.size() == 0) return pool::Outcome::done;
  const std::int64_t length = lane_length(a, axis);
  const std::int64_t n_lanes = elements.size() / length;
  if constexpr (sizeof(T) <= 2) {
    if (length >= kLargeSort) {
      for (std::int64_t lane = 0; lane < n_lanes; ++lane) {
        const auto outcome =
            counting_sort<T>(elements, lane * length, length, execution, out + lane * length);
        if (outcome == pool::Outcome::cancelled) return outcome;
      }
      return pool::Outcome::done;
    }
  }
  auto* const bytes = reinterpret_cast<unsigned char*>(out);
  const auto outcome = sort_lanes<Kind<T>>(
      n_lanes, length, [&](std::int64_t lane) { return Keys<T>(elements, lane * length); },
      [&](std::int64_t lane) {
        return Numbers<T>(bytes + lane * length * static_cast<std::int64_t>(sizeof(T)));
      },
      execution);
  if constexpr (std::is_floating_point_v<T>) {
    if (outcome == pool::Outcome::cancelled) return outcome;
    const std::int64_t lanes_at_once = std::max<std::int64_t>(1, kLargeSort / length);
    return pool::parallel_for(
        (n_lanes - 1) / lanes_at_once + 1, execution,
        [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
          const std::int64_t end = std::min(n_lanes, (chunk + 1) * lanes_at_once);
          for (std::int64_t lane = chunk * lanes_at_once; lane < end; ++lane) {
            const std::int64_t begin = lane * length;
            if (!restore_order(elements, begin, length, out + begin, checkpoint)) return;
          }
        });
  }
  return outcome;
}

}  // namespace

pool::Outcome sort(const ArrayView& a, int axis, const pool::Execution& execution, void* out) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return sort_of<T>(a, axis, execution, static_cast<T*>(out));
  });
}

double sort_estimated_ns(const ArrayView& a, int axis) {
  const std::int64_t length = lane_length(a, axis);
  const double each = size_of(a.dtype) <= 2 && length >= kLargeSort ? 2.0 : 13.0;
  return 100.0 + each * static_cast<double>(a.size());
}

}  // namespace nativeconc::kernels
