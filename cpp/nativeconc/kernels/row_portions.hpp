// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How rows are cut for several threads: portions of the input, one after the other.
//
// Plain values; any thread. Invariant: a function of the numbers given, which must not depend on
// the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nativeconc::kernels {

struct RowPortions {
  std::int64_t n_rows;
  std::int64_t n_portions;
  std::int64_t size;

  // Portions of `least` rows or more, and not more than 64 of them.
  RowPortions(std::int64_t rows, std::int64_t least)
      : n_rows(rows),
        n_portions(std::clamp<std::int64_t>(rows / least, 1, 64)),
        size((rows - 1) / n_portions + 1) {}

  std::int64_t begin(std::int64_t portion) const { return std::min(n_rows, portion * size); }
  std::int64_t end(std::int64_t portion) const { return begin(portion + 1); }
};

// One thread is busy for a millisecond with these many.
constexpr std::int64_t kRowPortion = std::int64_t{1} << 18;

}  // namespace nativeconc::kernels
