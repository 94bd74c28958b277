// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Reduces every line of an array to one state, on many threads.
//
// Any thread, several at once, after fork. The array must not change meanwhile.
//
// Invariants. What becomes of a line depends on its elements and their order alone: it is cut into
// leaves of 512 (fold.hpp), whose states meet in a perfect binary tree: neighbours first, then
// neighbouring pairs, and so on; one without a right neighbour moves up unchanged. So threads,
// alignment, strides, instruction set, and the lines beside it never change a bit. Work is cut into
// pieces of lines (a power of two of leaves, which is a node of that tree) and tiles of lines that
// lie side by side; either way a chunk has about 131072 elements.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>

#include "nativeconc/kernels/fold.hpp"
#include "nativeconc/kernels/lines.hpp"
#include "nativeconc/kernels/reader.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {

template <class Op>
class Reduction {
 public:
  using Element = typename Op::Element;
  using State = typename Op::State;

  // `contexts` has what Op::map is given for each line; null if it does not look.
  Reduction(const Lines& lines, const Reader<Element>& reader, const State* contexts = nullptr)
      : lines_(lines),
        reader_(reader),
        contexts_(contexts),
        n_(lines.line.size),
        streams_(lines.count * n_ * lines.line.itemsize > kStreamAboveBytes) {
    choose_tiles();
    const auto power = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(tile_)));
    piece_ = kLeaf * std::max<std::int64_t>(1, kMostLeaves / power);
    pieces_ = (n_ - 1) / piece_ + 1;
  }

  // Calls finish(state, line number) once for each line (again, if a chunk is run again). Lines
  // have at least one element. Throws std::bad_alloc, before any work.
  template <class Finish>
  pool::Outcome run(const pool::Execution& execution, const Finish& finish) const {
    if (pieces_ == 1) return run_whole_units(execution, finish);
    const std::int64_t room = pieces_ * tile_;  // a unit's
    const std::unique_ptr<State[]> partials(new State[static_cast<std::size_t>(units_ * room)]);
    const pool::Outcome outcome = pool::parallel_for(
        units_ * pieces_, execution, [&](std::int64_t chunk, const pool::Checkpoint&) {
          const Unit unit = unit_of(chunk / pieces_);
          const std::int64_t piece = chunk % pieces_;
          State* const out = partials.get() + chunk / pieces_ * room + piece * unit.width;
          reduce(unit, piece * piece_, std::min(piece_, n_ - piece * piece_), out);
        });
    if (outcome != pool::Outcome::done) return outcome;
    for (std::int64_t number = 0; number < units_; ++number) {
      const Unit unit = unit_of(number);
      State* const states = partials.get() + number * room;
      merge(states, pieces_, unit.width);
      give(unit, states, finish);
    }
    return outcome;
  }

 private:
  static constexpr std::int64_t kMostLeaves = 256;  // a power of two
  static constexpr std::int64_t kChunk = kMostLeaves * kLeaf;
  static constexpr std::int64_t kMostStates = 256;  // of a piece's leaves, of all lines of a unit
  static constexpr std::int64_t kCloseRoom = 32 * kLaneCount;  // 32 states for each close line
  static constexpr std::int64_t kWidestTile = 256;             // columns that are read side by side
  static constexpr std::int64_t kSparseTile = 4;               // the same if they are not dense

  // An array of more bytes than this is not expected to stay in the caches for its next use.
  static constexpr std::int64_t kStreamAboveBytes = 16 << 20;

  // Lines that are reduced together, side by side.
  struct Unit {
    std::int64_t first;   // number of the first line
    std::int64_t width;   // how many lines
    std::int64_t offset;  // of the first line's first element
  };

  void choose_tiles() {
    if (lines_.column_axis >= 0) {
      const auto axis = static_cast<std::size_t>(lines_.column_axis);
      const StridedWalk& line = lines_.line;
      width_ = lines_.shape[axis];
      column_stride_ = lines_.strides[axis];
      for (auto later = axis + 1; later < static_cast<std::size_t>(lines_.ndim); ++later) {
        step_ *= lines_.shape[later];
      }
      dense_ = column_stride_ == line.itemsize && reader_.gather_line == nullptr;
      tile_ = dense_ ? kWidestTile : kSparseTile;
      close_ = dense_ && line.ndim == 1 && line.strides[0] == width_ * line.itemsize &&
               width_ * kLaneCount <= kCloseRoom;
      tile_ = close_ ? width_ : std::min(tile_, width_);
    }
    tiles_ = (width_ - 1) / tile_ + 1;
    units_ = lines_.count / width_ * tiles_;
  }

  Unit unit_of(std::int64_t number) const {
    if (lines_.column_axis < 0) return {number, 1, lines_.offset_of(number)};
    const std::int64_t group = number / tiles_;
    const std::int64_t column = number % tiles_ * tile_;
    const std::int64_t first = group / step_ * width_ * step_ + group % step_ + column * step_;
    return {first, std::min(tile_, width_ - column), lines_.offset_of(first)};
  }

  template <class Finish>
  pool::Outcome run_whole_units(const pool::Execution& execution, const Finish& finish) const {
    const std::int64_t together = std::max<std::int64_t>(1, kChunk / (n_ * tile_));
    const std::int64_t n_chunks = (units_ - 1) / together + 1;
    return pool::parallel_for(
        n_chunks, execution, [&](std::int64_t chunk, const pool::Checkpoint&) {
          State states[kWidestTile];
          const std::int64_t end = std::min(units_, (chunk + 1) * together);
          for (std::int64_t number = chunk * together; number < end; ++number) {
            const Unit unit = unit_of(number);
            reduce(unit, 0, n_, states);
            give(unit, states, finish);
          }
        });
  }

  template <class Finish>
  void give(const Unit& unit, const State* states, const Finish& finish) const {
    for (std::int64_t i = 0; i < unit.width; ++i) finish(states[i], unit.first + i * step_);
  }

  // Elements first .. first + count - 1 of each line of the unit; at most a piece.
  void reduce(const Unit& unit, std::int64_t first, std::int64_t count, State* out) const {
    State leaves[kMostStates];
    if (lines_.column_axis < 0) {
      reduce_line(unit, first, count, leaves);
    } else if (close_) {
      reduce_close(unit, first, count, leaves);
    } else {
      reduce_columns(unit, first, count, leaves);
    }
    merge(leaves, (count - 1) / kLeaf + 1, unit.width);
    std::copy(leaves, leaves + unit.width, out);
  }

  // A tree over n rows of `width` states each; the root becomes the first row.
  static void merge(State* rows, std::int64_t n, std::int64_t width) {
    while (n > 1) {
      const std::int64_t pairs = n / 2;
      for (std::int64_t pair = 0; pair < pairs; ++pair) {
        const State* const left = rows + 2 * pair * width;
        for (std::int64_t i = 0; i < width; ++i) {
          State both = left[i];
          Op::combine(left[width + i], both);
          rows[pair * width + i] = both;
        }
      }
      if (n % 2 != 0) std::copy(rows + (n - 1) * width, rows + n * width, rows + pairs * width);
      n = pairs + n % 2;
    }
  }

  // The contexts of a unit's lines, `times` over.
  void fill_context(const Unit& unit, std::int64_t times, State* context) const {
    if (contexts_ == nullptr) return;
    for (std::int64_t time = 0; time < times; ++time) {
      for (std::int64_t i = 0; i < unit.width; ++i) {
        *context++ = contexts_[unit.first + i * step_];
      }
    }
  }

  void reduce_line(const Unit& unit, std::int64_t first, std::int64_t count, State* leaves) const {
    if (!lines_.line.is_contiguous() || reader_.gather_line != nullptr) {
      return gather_line(unit, first, count, leaves);
    }
    const unsigned char* const source =
        lines_.line.data + unit.offset + first * lines_.line.itemsize;
    if (count < kLaneCount) {
      const State context = contexts_ == nullptr ? State{} : contexts_[unit.first];
      leaves[0] = fold_short_line<Op>(source, count, context);
      return;
    }
    State context[kLaneCount];
    State states[2 * kLaneCount];
    fill_context(unit, kLaneCount, context);
    fold_close(source, count, 1, context, states, leaves);
  }

  // A line whose elements are some way apart, or are to be converted.
  void gather_line(const Unit& unit, std::int64_t first, std::int64_t count, State* leaves) const {
    State context[kLaneCount];
    State states[2 * kLaneCount];
    fill_context(unit, kLaneCount, context);
    StridedWalk line = lines_.line;
    line.data += unit.offset;
    for (std::int64_t done = 0; done < count; done += kLeaf) {
      const std::int64_t n = std::min(kLeaf, count - done);
      alignas(64) Element leaf[kLeaf];
      if (reader_.gather_line != nullptr) {
        reader_.gather_line(line, first + done, n, leaf);
      } else {
        line.gather(first + done, n, reinterpret_cast<unsigned char*>(leaf));
      }
      fold_close(reinterpret_cast<const unsigned char*>(leaf), n, 1, context, states, leaves++);
    }
  }

  void reduce_close(const Unit& unit, std::int64_t first, std::int64_t count, State* leaves) const {
    State context[kCloseRoom];
    State states[2 * kCloseRoom];
    fill_context(unit, kLaneCount, context);
    const std::int64_t row = unit.width * lines_.line.itemsize;
    const unsigned char* const source = lines_.line.data + unit.offset + first * row;
    fold_close(source, count, unit.width, context, states, leaves);
  }

  void fold_close(const unsigned char* source, std::int64_t count, std::int64_t width,
                  const State* context, State* states, State* leaves) const {
    const std::int64_t whole = count / kLeaf;
    if (whole > 0) {
      WholeLeaves<Op>::Stamped::run(source, whole, width, streams_, context, states, leaves);
    }
    if (count % kLeaf == 0) return;
    source += whole * kLeaf * width * static_cast<std::int64_t>(sizeof(Element));
    fold_close_leaf<Op>(source, count % kLeaf, width, context, states);
    std::copy(states, states + width, leaves + whole * width);
  }

  void reduce_columns(const Unit& unit, std::int64_t first, std::int64_t count,
                      State* leaves) const {
    State context[kWidestTile];
    State states[ListedLeaf<Op>::kRowsOfStates * kWidestTile];
    fill_context(unit, 1, context);
    for (std::int64_t done = 0; done < count; done += kLeaf) {
      const std::int64_t n = std::min(kLeaf, count - done);
      std::int64_t offsets[kLeaf];
      list_offsets(first + done, n, offsets);
      const unsigned char* source = lines_.line.data + unit.offset;
      alignas(64) Element together[kLeaf * kSparseTile];
      if (!dense_) {
        reader_.gather_rows({source, offsets, n}, unit.width, column_stride_, together);
        source = reinterpret_cast<const unsigned char*>(together);
        for (std::int64_t row = 0; row < n; ++row) {
          offsets[row] = row * unit.width * static_cast<std::int64_t>(sizeof(Element));
        }
      }
      ListedLeaf<Op>(source, offsets, n, unit.width, context).fold(states);
      leaves = std::copy(states, states + unit.width, leaves);
    }
  }

  // Where the elements first .. first + n - 1 of a line lie, lane by lane.
  void list_offsets(std::int64_t first, std::int64_t n, std::int64_t* offsets) const {
    std::int64_t in_turn[kLeaf];
    lines_.line.list_offsets(first, n, in_turn);
    for (std::int64_t lane = 0; lane < kLaneCount; ++lane) {
      for (std::int64_t i = lane; i < n; i += kLaneCount) *offsets++ = in_turn[i];
    }
  }

  const Lines& lines_;
  const Reader<Element> reader_;
  const State* const contexts_;
  const std::int64_t n_;            // elements of a line
  std::int64_t width_ = 1;          // lines that lie side by side
  std::int64_t column_stride_ = 0;  // between them, in bytes
  std::int64_t step_ = 1;           // between their numbers
  std::int64_t tile_ = 1;           // lines of a unit, but for the last of a row
  std::int64_t tiles_ = 1;          // units beside one another
  std::int64_t units_ = 1;
  bool dense_ = false;  // the columns may be read where they are
  bool close_ = false;  // the lines lie side by side without gaps
  const bool streams_;  // the data will not stay in the caches
  std::int64_t piece_ = 0;
  std::int64_t pieces_ = 0;
};

}  // namespace nativeconc::kernels
