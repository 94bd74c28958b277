// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Rows of a table with two columns, a key and a value, as pairs of 64-bit words of any dtypes. So
// what groups rows need not exist for each pair of dtypes.
//
// Any thread; the arrays are only read. Invariants: the words of keys are ordered as the keys, and
// equal keys (both zeros; all NaNs) have one word. A row's words depend on the row alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/block_visit.hpp"

namespace nativeconc::kernels {

// What the word of a value holds.
enum class ValueWord {
  none,      // 0
  real,      // a double
  integer,   // 64 bits, as the integer's sign says
  smallest,  // a word that is larger for a smaller value, and largest for a NaN
  largest,   // a word that is larger for a larger value, and largest for a NaN
};

// Elements first .. first + count - 1, count <= kBlock, as words.
using ReadWords = void (*)(const StridedWalk& column, std::int64_t first, std::int64_t count,
                           std::uint64_t* out);

// Elements from words, one after the other.
using WriteWords = void (*)(const std::uint64_t* words, std::int64_t count, unsigned char* out);

ReadWords key_reader(Dtype dtype);
WriteWords key_writer(Dtype dtype);  // zeros come out as 0.0

ReadWords value_reader(Dtype dtype, ValueWord kind);
// The dtype that values of this kind come back as, and what writes it: the values' own, or the
// widest of its family for integers.
Dtype value_result(Dtype dtype, ValueWord kind);
WriteWords value_writer(Dtype dtype, ValueWord kind);

class RowWords {
 public:
  // One-dimensional arrays of one length. `values` is not read if their kind is none.
  RowWords(const ArrayView& keys, const ArrayView& values, ValueWord kind)
      : keys_(keys),
        values_(values),
        read_keys_(key_reader(keys.dtype)),
        read_values_(kind == ValueWord::none ? nullptr : value_reader(values.dtype, kind)) {}

  std::int64_t size() const { return keys_.size; }

  std::uint64_t key(std::int64_t row) const {
    std::uint64_t word = 0;
    read_keys_(keys_, row, 1, &word);
    return word;
  }

  // use(keys, n) for the rows from `first` to end - 1, block by block, while it returns true.
  template <class Use>
  void visit_keys(std::int64_t first, std::int64_t end, const pool::Checkpoint& checkpoint,
                  const Use& use) const {
    std::uint64_t keys[kBlock];
    for (std::int64_t at = first, block = 1; at < end; at += kBlock, ++block) {
      const std::int64_t n = std::min(kBlock, end - at);
      read_keys_(keys_, at, n, keys);
      if (!use(keys, n)) return;
      if (block % kBetweenStops == 0 && checkpoint.stop()) return;
    }
  }

  // use(keys, values, n), the same with the values.
  template <class Use>
  void visit(std::int64_t first, std::int64_t end, const pool::Checkpoint& checkpoint,
             const Use& use) const {
    std::uint64_t values[kBlock] = {};
    std::int64_t at = first;
    visit_keys(first, end, checkpoint, [&](const std::uint64_t* keys, std::int64_t n) {
      if (read_values_ != nullptr) read_values_(values_, at, n, values);
      at += n;
      return use(keys, values, n);
    });
  }

 private:
  static constexpr std::int64_t kBetweenStops = 64;

  StridedWalk keys_;
  StridedWalk values_;
  ReadWords read_keys_;
  ReadWords read_values_;
};

}  // namespace nativeconc::kernels
