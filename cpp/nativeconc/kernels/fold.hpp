// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The inner loops of reductions: elements are mapped to states (a wider number, a squared
// deviation, ...) and states are combined, lane by lane.
//
// Pure functions, any thread.
//
// A leaf is a stretch of at most 512 elements of a line. Element i of it belongs to lane i % 32; a
// lane combines its elements in turn; then lane l is combined with l + 16, then l + 8, 4, 2, 1.
// `width` lines may lie side by side: everything below works on all of them at once. Invariant:
// what becomes of one line does not depend on how many lie beside it, nor on the vectors' width.
//
// An Op has
//   Element, State         what is read, what is combined
//   map(raw, context, out) one vector of elements to states; context holds a state for each lane
//   combine(x, into)       into = into (op) x, for vectors and for single states
//
// The stamped loops are few and small on purpose: each exists for every Op and instruction set.
#pragma once

#include <algorithm>
#include <cstdint>

#include "nativeconc/kernels/vectors.hpp"

namespace nativeconc::kernels {

constexpr int kLaneCount = 32;
constexpr std::int64_t kLeaf = 512;

// Asks for the bytes some way beyond `row`: far enough to be there in time, found by trial. Past
// the end of the array that does no harm. Data that streams is kept out of the outer caches.
template <std::int64_t kBytes>
NATIVECONC_SIMD_BODY void prefetch(const unsigned char* row, bool streams) {
  constexpr std::int64_t kAhead = 1024;
  for (std::int64_t line = 0; line < kBytes; line += 64) {
    if (streams) {
      __builtin_prefetch(row + kAhead + line, 0, 0);
    } else {
      __builtin_prefetch(row + kAhead + line, 0, 3);
    }
  }
}

// Maps one vector of elements.
template <class Op, int kWidth>
NATIVECONC_SIMD_BODY void map_vector(const unsigned char* source, const typename Op::State* context,
                                     Lanes<typename Op::State, kWidth>& out) {
  Lanes<typename Op::Element, kWidth> raw;
  load(source, raw);
  Op::template map<kWidth>(raw, context, out);
}

// Where n rows begin, from a source on, and whether they are read once only.
struct Rows {
  const unsigned char* source;
  const std::int64_t* offsets;
  std::int64_t n;
  bool streams;
};

// states[i] = the fold of element i of rows.n >= 1 rows, for all i < width.
template <class Op>
struct FoldRows {
  using Element = typename Op::Element;
  using State = typename Op::State;

  // kVectors vectors of each row, from element i on.
  template <int kWidth, int kVectors>
  static NATIVECONC_SIMD_BODY void vectors(const Rows& rows, std::int64_t i, const State* context,
                                           State* states) {
    constexpr auto kStep = static_cast<std::int64_t>(sizeof(Element)) * kWidth;
    const unsigned char* const source =
        rows.source + i * static_cast<std::int64_t>(sizeof(Element));
    Lanes<State, kWidth> sums[kVectors];
    const unsigned char* row = source + rows.offsets[0];
    prefetch<kVectors * kStep>(row, rows.streams);
    for (int v = 0; v < kVectors; ++v) {
      map_vector<Op, kWidth>(row + v * kStep, context + i + v * kWidth, sums[v]);
    }
    for (std::int64_t r = 1; r < rows.n; ++r) {
      row = source + rows.offsets[r];
      prefetch<kVectors * kStep>(row, rows.streams);
      for (int v = 0; v < kVectors; ++v) {
        Lanes<State, kWidth> mapped;
        map_vector<Op, kWidth>(row + v * kStep, context + i + v * kWidth, mapped);
        Op::combine(mapped, sums[v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) store(sums[v], states + i + v * kWidth);
  }

  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const Rows& rows, std::int64_t width, const State* context,
                                        State* states) {
    constexpr int kWidth = std::min(kBytes / static_cast<int>(sizeof(State)), kLaneCount);
    constexpr int kAtOnce = std::min(kLaneCount / kWidth, 8);  // what surely fits the registers
    std::int64_t i = 0;
    for (; i + kAtOnce * kWidth <= width; i += kAtOnce * kWidth) {
      vectors<kWidth, kAtOnce>(rows, i, context, states);
    }
    for (; i < width; ++i) vectors<1, 1>(rows, i, context, states);
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body,
                         (const Rows& rows, std::int64_t width, const State* context,
                          State* states),
                         (rows, width, context, states));
};

// Combines the lanes that are `present`, of `width` states each, into the first.
template <class Op>
struct FoldLanes {
  using State = typename Op::State;

  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(std::int64_t present, std::int64_t width, State* states) {
    constexpr int kWidth = std::min(kBytes / static_cast<int>(sizeof(State)), kLaneCount);
    for (std::int64_t half = kLaneCount / 2; half > 0; half /= 2) {
      if (present <= half) continue;
      const State* const upper = states + half * width;
      const std::int64_t n = (present - half) * width;
      present = half;
      std::int64_t i = 0;
      for (; i + kWidth <= n; i += kWidth) {
        Lanes<State, kWidth> low;
        Lanes<State, kWidth> high;
        load(states + i, low);
        load(upper + i, high);
        Op::combine(high, low);
        store(low, states + i);
      }
      for (; i < n; ++i) Op::combine(upper[i], states[i]);
    }
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body, (std::int64_t present, std::int64_t width, State* states),
                         (present, width, states));
};

// One leaf of `width` lines that lie side by side without gaps: n >= 1 elements of each line, at
// most 512. `context` has 32 * width states; `states` has room for twice as many, and the first
// `width` of them are the result.
template <class Op>
void fold_close_leaf(const unsigned char* source, std::int64_t n, std::int64_t width, bool streams,
                     const typename Op::State* context, typename Op::State* states) {
  if (n < 1 || n > kLeaf) __builtin_unreachable();
  const std::int64_t row = kLaneCount * width;
  const std::int64_t whole = n / kLaneCount;
  const std::int64_t rest = n % kLaneCount * width;
  std::int64_t offsets[kLeaf / kLaneCount + 1];
  for (std::int64_t r = 0; r <= whole; ++r) {
    offsets[r] = r * row * static_cast<std::int64_t>(sizeof(typename Op::Element));
  }
  if (whole > 0)
    FoldRows<Op>::Stamped::run({source, offsets, whole, streams}, row, context, states);
  if (rest > 0) {
    typename Op::State* const last = whole > 0 ? states + row : states;
    FoldRows<Op>::Stamped::run({source, offsets + whole, 1, streams}, rest, context, last);
    for (std::int64_t i = 0; whole > 0 && i < rest; ++i) Op::combine(last[i], states[i]);
  }
  FoldLanes<Op>::Stamped::run(whole > 0 ? kLaneCount : n, width, states);
}

// The same for one line of less than 32 elements, where setting up would cost more than the work.
template <class Op>
typename Op::State fold_short_line(const unsigned char* source, std::int64_t n,
                                   const typename Op::State& context) {
  if (n < 1 || n >= kLaneCount) __builtin_unreachable();
  typename Op::State states[kLaneCount];
  for (std::int64_t i = 0; i < n; ++i) {
    Lanes<typename Op::State, 1> one;
    map_vector<Op, 1>(source + i * static_cast<std::int64_t>(sizeof(typename Op::Element)),
                      &context, one);
    states[i] = one[0];
  }
  for (std::int64_t half = kLaneCount / 2; half > 0; half /= 2) {
    for (std::int64_t i = 0; i + half < n; ++i) Op::combine(states[i + half], states[i]);
    n = std::min(n, half);
  }
  return states[0];
}

// The same for lines that lie side by side in any way, elements at offsets that are listed lane by
// lane: first those of lane 0. `context` has `width` states, `states` room for 32 * width.
template <class Op>
void fold_listed_leaf(const unsigned char* source, const std::int64_t* offsets, std::int64_t n,
                      std::int64_t width, const typename Op::State* context,
                      typename Op::State* states) {
  const std::int64_t present = std::min<std::int64_t>(n, kLaneCount);
  for (std::int64_t lane = 0; lane < present; ++lane) {
    const std::int64_t n_rows = (n - lane + kLaneCount - 1) / kLaneCount;
    FoldRows<Op>::Stamped::run({source, offsets, n_rows, false}, width, context,
                               states + lane * width);
    offsets += n_rows;
  }
  FoldLanes<Op>::Stamped::run(present, width, states);
}

}  // namespace nativeconc::kernels
