// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/searchsorted.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kChunk = 1 << 13;  // searches
constexpr int kTogether = 16;             // searches side by side

// Keys of the sorted array, by position.
template <class T>
struct Plain {
  const unsigned char* data;

  Key<T> operator()(std::int64_t i) const {
    return equal_key_of(element_at<T>(data + i * static_cast<std::int64_t>(sizeof(T))));
  }
};

template <class T>
struct Strided {
  const unsigned char* data;
  std::int64_t stride;

  Key<T> operator()(std::int64_t i) const { return equal_key_of(element_at<T>(data + i * stride)); }
};

template <class T>
struct Ordered {
  Strided<T> values;
  const unsigned char* order;
  std::int64_t order_stride;
  std::int64_t size;
  std::atomic<bool>& bad;  // relaxed: read after the run

  Key<T> operator()(std::int64_t i) const {
    const auto at = element_at<std::int64_t>(order + i * order_stride);
    if (at < 0 || at >= size) {
      bad.store(true, std::memory_order_relaxed);
      return 0;
    }
    return values(at);
  }
};

// For each of `count` keys, how many of the sorted ones from `begin` to `end` are below it (kRight:
// or equal), and `begin`.
template <bool kRight, class T, class Sorted>
void search(const Sorted& sorted, std::int64_t begin, std::int64_t end, const Key<T>* keys,
            int count, std::int64_t* out) {
  std::int64_t at[kTogether];
  std::fill_n(at, count, begin);
  const auto goes_on = [&](std::int64_t i, Key<T> key) {
    return kRight ? !(key < sorted(i)) : sorted(i) < key;
  };
  std::int64_t left = end - begin;
  while (left > 1) {
    const std::int64_t half = left / 2;
    left -= half;
    for (int k = 0; k < count; ++k) {
      at[k] += goes_on(at[k] + half - 1, keys[k]) ? half : 0;
    }
  }
  for (int k = 0; k < count; ++k) {
    out[k] = at[k] + (begin < end && goes_on(at[k], keys[k]) ? 1 : 0);
  }
}

// The same from 0 to n. Keys that rise are searched between the places of the first and the last.
template <bool kRight, class T, class Sorted>
void search_batch(const Sorted& sorted, std::int64_t n, const Key<T>* keys, int count,
                  std::int64_t* out) {
  if (count < kTogether) return search<kRight, T>(sorted, 0, n, keys, count, out);
  bool rises = true;
  for (int k = 1; k < kTogether; ++k) rises &= keys[k - 1] <= keys[k];
  if (!rises) return search<kRight, T>(sorted, 0, n, keys, kTogether, out);
  const Key<T> ends[2] = {keys[0], keys[kTogether - 1]};
  std::int64_t places[2];
  search<kRight, T>(sorted, 0, n, ends, 2, places);
  search<kRight, T>(sorted, places[0], places[1], keys, kTogether, out);
}

template <bool kRight, class T, class Sorted>
pool::Outcome search_all(const Sorted& sorted, std::int64_t n, const ArrayView& v,
                         const pool::Execution& execution, std::int64_t* out) {
  const RowMajor wanted(v);
  if (wanted.size() == 0) return pool::Outcome::done;
  return pool::parallel_for(
      (wanted.size() - 1) / kChunk + 1, execution,
      [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
        const std::int64_t end = std::min(wanted.size(), (chunk + 1) * kChunk);
        std::int64_t first = chunk * kChunk;
        for (int batch = 1; first < end; first += kTogether, ++batch) {
          Key<T> keys[kTogether];
          const int count = static_cast<int>(std::min<std::int64_t>(kTogether, end - first));
          wanted.visit<T>(first, count,
                          [&](std::int64_t i, T value) { keys[i] = equal_key_of(value); });
          search_batch<kRight, T>(sorted, n, keys, count, out + first);
          if (batch % 64 == 0 && checkpoint.stop()) return;
        }
      });
}

template <class T, class Sorted>
pool::Outcome search_side(const Sorted& sorted, std::int64_t n, const ArrayView& v, bool right,
                          const pool::Execution& execution, std::int64_t* out) {
  return right ? search_all<true, T>(sorted, n, v, execution, out)
               : search_all<false, T>(sorted, n, v, execution, out);
}

}  // namespace

pool::Outcome searchsorted(const SortedArray& a, const ArrayView& v, bool right,
                           const pool::Execution& execution, std::int64_t* out, bool& bad_order) {
  const std::int64_t n = a.values.shape[0];
  std::atomic<bool> bad{false};
  const auto outcome = visit_dtype(v.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* const data = static_cast<const unsigned char*>(a.values.data);
    const Strided<T> strided{data, a.values.strides[0]};
    if (a.order != nullptr) {
      const Ordered<T> ordered{strided, a.order, a.order_stride, n, bad};
      return search_side<T>(ordered, n, v, right, execution, out);
    }
    if (strided.stride == static_cast<std::int64_t>(sizeof(T))) {
      return search_side<T>(Plain<T>{data}, n, v, right, execution, out);
    }
    return search_side<T>(strided, n, v, right, execution, out);
  });
  bad_order = bad.load(std::memory_order_relaxed);
  return outcome;
}

double searchsorted_estimated_ns(const ArrayView& a, const ArrayView& v) {
  const auto steps = std::bit_width(static_cast<std::uint64_t>(a.shape[0]));
  return 100.0 + static_cast<double>(v.size()) * (2.0 + 1.5 * static_cast<double>(steps));
}

}  // namespace nativeconc::kernels
