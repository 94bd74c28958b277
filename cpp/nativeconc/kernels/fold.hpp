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
#include <cstddef>
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
    const unsigned char* const source = rows.source + static_cast<std::size_t>(i) * sizeof(Element);
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
    constexpr int kBlock = kAtOnce * kWidth;
    std::int64_t i = 0;
    for (; i + kBlock <= width; i += kBlock) vectors<kWidth, kAtOnce>(rows, i, context, states);
    // The compiler is to see that these are few.
    for (int k = 0; k < kBlock && i < width; ++k, ++i) vectors<1, 1>(rows, i, context, states);
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

// into[i] = into[i] (op) from[i]
template <class Op>
struct CombineRows {
  using State = typename Op::State;

  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const State* from, std::int64_t width, State* into) {
    constexpr int kWidth = std::min(kBytes / static_cast<int>(sizeof(State)), kLaneCount);
    std::int64_t i = 0;
    for (; i + kWidth <= width; i += kWidth) {
      Lanes<State, kWidth> low;
      Lanes<State, kWidth> high;
      load(into + i, low);
      load(from + i, high);
      Op::combine(high, low);
      store(low, into + i);
    }
    for (; i < width; ++i) Op::combine(from[i], into[i]);
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body, (const State* from, std::int64_t width, State* into),
                         (from, width, into));
};

// Whole leaves of `width` lines that lie side by side without gaps. `context` has 32 * width
// states, `states` has room for as many. Writes width states a leaf.
template <class Op>
struct WholeLeaves {
  using State = typename Op::State;

  template <int kBytes>
  static NATIVECONC_SIMD_BODY void body(const unsigned char* source, std::int64_t n_leaves,
                                        std::int64_t width, bool streams, const State* context,
                                        State* states, State* out) {
    constexpr std::int64_t kRows = kLeaf / kLaneCount;
    const std::int64_t row = kLaneCount * width;
    const std::int64_t row_bytes = row * static_cast<std::int64_t>(sizeof(typename Op::Element));
    std::int64_t offsets[kRows];
    for (std::int64_t r = 0; r < kRows; ++r) offsets[r] = r * row_bytes;
    for (std::int64_t leaf = 0; leaf < n_leaves; ++leaf) {
      const Rows rows{source + leaf * kRows * row_bytes, offsets, kRows, streams};
      FoldRows<Op>::template body<kBytes>(rows, row, context, states);
      FoldLanes<Op>::template body<kBytes>(kLaneCount, width, states);
      for (std::int64_t i = 0; i < width; ++i) *out++ = states[i];
    }
  }
  NATIVECONC_SIMD_STRUCT(Stamped, body,
                         (const unsigned char* source, std::int64_t n_leaves, std::int64_t width,
                          bool streams, const State* context, State* states, State* out),
                         (source, n_leaves, width, streams, context, states, out));
};

// One leaf of the same, which need not be whole: 1 to 512 elements of each line. `states` has room
// for 64 * width, and the first `width` of them are the result.
template <class Op>
void fold_close_leaf(const unsigned char* source, std::int64_t n, std::int64_t width,
                     const typename Op::State* context, typename Op::State* states) {
  const std::int64_t row = kLaneCount * width;
  const std::int64_t whole = n / kLaneCount;
  const std::int64_t rest = n % kLaneCount * width;
  std::int64_t offsets[kLeaf / kLaneCount + 1];
  for (std::int64_t r = 0; r <= whole; ++r) {
    offsets[r] = r * row * static_cast<std::int64_t>(sizeof(typename Op::Element));
  }
  if (whole > 0) FoldRows<Op>::Stamped::run({source, offsets, whole, false}, row, context, states);
  if (rest > 0) {
    typename Op::State* const last = whole > 0 ? states + row : states;
    FoldRows<Op>::Stamped::run({source, offsets + whole, 1, false}, rest, context, last);
    if (whole > 0) CombineRows<Op>::Stamped::run(last, rest, states);
  }
  FoldLanes<Op>::Stamped::run(whole > 0 ? kLaneCount : n, width, states);
}

// The same for one line of less than 32 elements, where setting up would cost more than the work.
template <class Op>
typename Op::State fold_short_line(const unsigned char* source, std::int64_t n,
                                   const typename Op::State& context) {
  typename Op::State states[kLaneCount];
  for (std::int64_t i = 0; i < n; ++i) {
    Lanes<typename Op::State, 1> one;
    map_vector<Op, 1>(source + static_cast<std::size_t>(i) * sizeof(typename Op::Element), &context,
                      one);
    states[i] = one[0];
  }
  for (std::int64_t half = kLaneCount / 2; half > 0; half /= 2) {
    for (std::int64_t i = 0; i + half < n; ++i) Op::combine(states[i + half], states[i]);
    n = std::min(n, half);
  }
  return states[0];
}

// One leaf of `width` lines that lie side by side in any way.
//
// Lane after lane, in the order in which the halves meet: lane l's partner is l + 16, and so on. So
// memory is read in as many streams as a lane has rows, and a few rows of states are enough.
template <class Op>
class ListedLeaf {
 public:
  using State = typename Op::State;
  static constexpr std::int64_t kRowsOfStates = 6;  // one for each level of the tree

  // n >= 1 elements of each line, at offsets that are listed lane by lane: first those of lane 0.
  ListedLeaf(const unsigned char* source, const std::int64_t* offsets, std::int64_t n,
             std::int64_t width, const State* context)
      : source_(source), offsets_(offsets), n_(n), width_(width), context_(context) {}

  // `states` has room for 6 * width; the first `width` are the result.
  void fold(State* states) const { fold_lanes(0, 1, states); }

 private:
  // Lanes first, first + step, first + 2 * step, ...
  void fold_lanes(std::int64_t first, std::int64_t step, State* states) const {
    if (step == kLaneCount) return fold_lane(first, states);
    fold_lanes(first, 2 * step, states);
    if (first + step >= n_) return;  // no such lane
    fold_lanes(first + step, 2 * step, states + width_);
    CombineRows<Op>::Stamped::run(states + width_, width_, states);
  }

  void fold_lane(std::int64_t lane, State* states) const {
    const std::int64_t begin = lane * (n_ / kLaneCount) + std::min(lane, n_ % kLaneCount);
    const std::int64_t n_rows = (n_ - lane + kLaneCount - 1) / kLaneCount;
    FoldRows<Op>::Stamped::run({source_, offsets_ + begin, n_rows, false}, width_, context_,
                               states);
  }

  const unsigned char* const source_;
  const std::int64_t* const offsets_;
  const std::int64_t n_;
  const std::int64_t width_;
  const State* const context_;
};

}  // namespace nativeconc::kernels
