// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/both_ends.hpp"

#include <limits>
#include <type_traits>
#include <vector>

#include "nativeconc/kernels/block_visit.hpp"
#include "nativeconc/kernels/vectors.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kSmallestChunk = 1 << 17;
constexpr std::int64_t kMostChunks = 1024;

template <class T>
struct Ends {
  T low = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                               : std::numeric_limits<T>::max();
  T high = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  bool nan = false;

  void take(T value) {
    if (value < low) low = value;
    if (value > high) high = value;
    if constexpr (std::is_floating_point_v<T>) nan |= value != value;
  }
  void take(const Ends& other) {
    if (other.low < low) low = other.low;
    if (other.high > high) high = other.high;
    nan |= other.nan;
  }
};

template <class T>
struct BlockEnds {
  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const unsigned char* block, std::int64_t n, Ends<T>& ends) {
    constexpr int kWidth = kBytes / static_cast<int>(sizeof(T));
    constexpr int kVectors = 4;
    using Vector = Lanes<T, kWidth>;
    Vector low[kVectors];
    Vector high[kVectors];
    decltype(Vector{} != Vector{}) nan{};
    for (int v = 0; v < kVectors; ++v) {
      broadcast(ends.low, low[v]);
      broadcast(ends.high, high[v]);
    }
    std::int64_t i = 0;
    for (; i + kVectors * kWidth <= n; i += kVectors * kWidth) {
      for (int v = 0; v < kVectors; ++v) {
        Vector value;
        load(block + (i + v * kWidth) * static_cast<std::int64_t>(sizeof(T)), value);
        low[v] = value < low[v] ? value : low[v];
        high[v] = value > high[v] ? value : high[v];
        if constexpr (std::is_floating_point_v<T>) nan |= value != value;
      }
    }
    T lanes[kWidth];
    for (int v = 0; v < kVectors; ++v) {
      store(low[v], lanes);
      for (int lane = 0; lane < kWidth; ++lane) ends.low = std::min(ends.low, lanes[lane]);
      store(high[v], lanes);
      for (int lane = 0; lane < kWidth; ++lane) ends.high = std::max(ends.high, lanes[lane]);
    }
    ends.nan |= any(nan);
    for (; i < n; ++i) {
      T value;
      __builtin_memcpy(&value, block + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
      ends.take(value);
    }
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body, (const unsigned char* block, std::int64_t n, Ends<T>& ends),
                         (block, n, ends));
};

template <class T>
pool::Outcome extremes_of(const ArrayView& a, const pool::Execution& execution, Extremes& out) {
  const StridedWalk walk(a);
  const std::int64_t per_chunk = std::max(kSmallestChunk, (walk.size - 1) / kMostChunks + 1);
  const std::int64_t n_chunks = (walk.size - 1) / per_chunk + 1;
  std::vector<Ends<T>> parts(n_chunks > 1 ? static_cast<std::size_t>(n_chunks) : 0);
  Ends<T> all;
  const pool::Outcome outcome = pool::parallel_for(
      n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint& checkpoint) {
        const std::int64_t first = chunk * per_chunk;
        Ends<T> ends;
        visit_blocks(walk, first, std::min(per_chunk, walk.size - first), checkpoint,
                     [&](const unsigned char* block, std::int64_t n, std::int64_t) {
                       BlockEnds<T>::Stamped::run(block, n, ends);
                     });
        (parts.empty() ? all : parts[static_cast<std::size_t>(chunk)]) = ends;
      });
  for (const Ends<T>& part : parts) all.take(part);
  if constexpr (std::is_floating_point_v<T>) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    out.low_real = all.nan ? kNan : static_cast<double>(all.low);
    out.high_real = all.nan ? kNan : static_cast<double>(all.high);
  } else {
    out.low = static_cast<std::int64_t>(all.low);
    out.high = static_cast<std::int64_t>(all.high);
  }
  return outcome;
}

}  // namespace

pool::Outcome extremes(const ArrayView& a, const pool::Execution& execution, Extremes& out) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Seen = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
    return extremes_of<Seen>(a, execution, out);
  });
}

double extremes_estimated_ns(const ArrayView& a) {
  const bool contiguous = StridedWalk(a).is_contiguous();
  return 100.0 + static_cast<double>(a.size()) * (contiguous ? 0.5 : 2.0);
}

}  // namespace nativeconc::kernels
