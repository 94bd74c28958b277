// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/sum.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

#include "nativeconc/kernels/pairwise_tree.hpp"
#include "nativeconc/kernels/strided_walk.hpp"
#include "nativeconc/kernels/vectors.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr int kLaneCount = 32;
constexpr std::int64_t kLeaf = 512;
constexpr std::int64_t kLeavesPerChunk =
    256;  // a power of two: a chunk's sum is a node of the tree
constexpr std::int64_t kChunk = kLeavesPerChunk * kLeaf;

// An array of more bytes than this is not expected to stay in the caches for its next use.
constexpr std::int64_t kStreamAboveBytes = 16 << 20;

// Integers are added without sign: unsigned addition wraps around by definition.
template <class T>
using Adder = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

// What changes nothing when added, not even the sign of a zero.
template <class T>
constexpr T kNeutral = std::is_floating_point_v<T> ? static_cast<T>(-0.0) : T{0};

template <class T, class Vector>
NATIVECONC_SIMD_BODY void load_widened(const unsigned char* source, Vector& out) {
  if constexpr (sizeof(T) == 8) {
    load(source, out);
  } else {
    Lanes<T, static_cast<int>(sizeof(Vector) / 8)> narrow;
    load(source, narrow);
    Lanes<std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>,
          static_cast<int>(sizeof(Vector) / 8)>
        wide;
    widen(narrow, wide);
    out = (Vector)wide;
  }
}

// Asks for the bytes some way beyond `row`: far enough to be there in time, found by trial. Past
// the end of the array that does no harm. Data that streams is kept out of the outer caches.
template <std::int64_t kBytes, bool kStreams>
NATIVECONC_SIMD_BODY void prefetch(const unsigned char* row) {
  constexpr std::int64_t kAhead = 1024;
  for (std::int64_t line = 0; line < kBytes; line += 64) {
    __builtin_prefetch(row + kAhead + line, 0, kStreams ? 0 : 3);
  }
}

// Adds one leaf: `rows` rows of 32 elements, rows >= 1.
// kStreams: read past the caches where that is possible, rather than fill them with what will not
// stay.
template <int kBytes, class T, bool kStreams>
NATIVECONC_SIMD_BODY void add_leaf(const unsigned char* source, std::int64_t rows, Adder<T>& out) {
  constexpr int kWidth = kBytes / 8;
  constexpr int kVectors = kLaneCount / kWidth;
  constexpr int kAtOnce = std::min(kVectors, 8);  // what surely fits the registers
  using Vector = Lanes<Adder<T>, kWidth>;
  constexpr std::int64_t kRowBytes = kLaneCount * static_cast<std::int64_t>(sizeof(T));
  constexpr std::int64_t kStep = kWidth * static_cast<std::int64_t>(sizeof(T));

  Vector lanes[kVectors];
  for (int pass = 0; pass < kVectors; pass += kAtOnce) {
    const unsigned char* row = source + pass * kStep;
    Vector sums[kAtOnce];
    prefetch<kAtOnce * kStep, kStreams>(row);
    for (int v = 0; v < kAtOnce; ++v) load_widened<T>(row + v * kStep, sums[v]);
    for (std::int64_t r = 1; r < rows; ++r) {
      row += kRowBytes;
      prefetch<kAtOnce * kStep, kStreams>(row);
      for (int v = 0; v < kAtOnce; ++v) {
        Vector element;
        load_widened<T>(row + v * kStep, element);
        sums[v] += element;
      }
    }
    for (int v = 0; v < kAtOnce; ++v) lanes[pass + v] = sums[v];
  }
  for (int half = kVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) lanes[v] += lanes[v + half];
  }
  Adder<T> last[kWidth];
  store(lanes[0], last);
  for (int half = kWidth / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) last[i] += last[i + half];
  }
  out = last[0];
}

template <class T, bool kStreams>
struct LeafSums {
  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const unsigned char* source, std::int64_t n_leaves,
                                        std::int64_t rows, Adder<T>* sums) {
    constexpr std::int64_t kLeafBytes = kLeaf * static_cast<std::int64_t>(sizeof(T));
    for (std::int64_t i = 0; i < n_leaves; ++i) {
      add_leaf<kBytes, T, kStreams>(source + i * kLeafBytes, rows, sums[i]);
    }
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body,
                         (const unsigned char* source, std::int64_t n_leaves, std::int64_t rows,
                          Adder<T>* sums),
                         (source, n_leaves, rows, sums));
};

// A leaf that is not whole, or not contiguous, is brought into a buffer.
template <class T>
Adder<T> sum_gathered_leaf(const StridedWalk& walk, std::int64_t first, std::int64_t count) {
  alignas(64) T leaf[kLeaf];
  walk.gather(first, count, reinterpret_cast<unsigned char*>(leaf));
  const std::int64_t rows = (count + kLaneCount - 1) / kLaneCount;
  std::fill(leaf + count, leaf + rows * kLaneCount, kNeutral<T>);
  Adder<T> out;
  LeafSums<T, false>::Stamped::run(reinterpret_cast<const unsigned char*>(leaf), 1, rows, &out);
  return out;
}

template <class T>
Adder<T> sum_chunk(const StridedWalk& walk, std::int64_t first, std::int64_t count) {
  Adder<T> leaves[kLeavesPerChunk];
  std::int64_t n_leaves = 0;
  if (walk.is_contiguous() && count >= kLeaf) {
    n_leaves = count / kLeaf;
    const unsigned char* const source = walk.data + first * walk.itemsize;
    constexpr std::int64_t kRows = kLeaf / kLaneCount;
    if (walk.size * walk.itemsize > kStreamAboveBytes) {
      LeafSums<T, true>::Stamped::run(source, n_leaves, kRows, leaves);
    } else {
      LeafSums<T, false>::Stamped::run(source, n_leaves, kRows, leaves);
    }
  }
  for (std::int64_t done = n_leaves * kLeaf; done < count; done += kLeaf) {
    leaves[n_leaves++] = sum_gathered_leaf<T>(walk, first + done, std::min(kLeaf, count - done));
  }
  return pairwise_sum_in_place(leaves, n_leaves);
}

Scalar rounded(double total, Dtype dtype) {
  total += 0.0;  // a zero comes out positive, as NumPy's does
  if (total != total) total = std::numeric_limits<double>::quiet_NaN();
  if (dtype == Dtype::float32) total = static_cast<double>(static_cast<float>(total));
  return {dtype, total, 0};
}

Scalar rounded(std::uint64_t total, Dtype) {
  return {Dtype::int64, 0.0, static_cast<std::int64_t>(total)};
}

template <class T>
pool::Outcome sum_of(const ArrayView& a, const pool::Execution& execution, Scalar& out) {
  const StridedWalk walk(a);
  if (walk.size == 0) {
    out = rounded(Adder<T>{0}, a.dtype);
    return pool::Outcome::done;
  }
  const std::int64_t n_chunks = (walk.size - 1) / kChunk + 1;
  Adder<T> single;
  std::unique_ptr<Adder<T>[]> many;
  if (n_chunks > 1) many = std::make_unique<Adder<T>[]>(static_cast<std::size_t>(n_chunks));
  Adder<T>* const sums = many ? many.get() : &single;
  const pool::Outcome outcome =
      pool::parallel_for(n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint&) {
        const std::int64_t first = chunk * kChunk;
        sums[chunk] = sum_chunk<T>(walk, first, std::min(kChunk, walk.size - first));
      });
  if (outcome == pool::Outcome::done) out = rounded(pairwise_sum_in_place(sums, n_chunks), a.dtype);
  return outcome;
}

}  // namespace

pool::Outcome sum(const ArrayView& a, const pool::Execution& execution, Scalar& out) {
  switch (a.dtype) {
    case Dtype::float32:
      return sum_of<float>(a, execution, out);
    case Dtype::float64:
      return sum_of<double>(a, execution, out);
    case Dtype::int32:
      return sum_of<std::int32_t>(a, execution, out);
    default:  // int64; the table lists no other
      break;
  }
  return sum_of<std::int64_t>(a, execution, out);
}

double sum_estimated_ns(const ArrayView& a) {
  const bool contiguous = StridedWalk(a).is_contiguous();
  return 100.0 + static_cast<double>(a.size()) * (contiguous ? 0.5 : 2.0);
}

}  // namespace nativeconc::kernels
