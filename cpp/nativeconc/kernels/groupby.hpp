// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Groups of rows by the value of a column: the different keys, sorted, and for each a statistic of
// the values beside it. Stands in for pandas.Series(values).groupby(keys); NumPy has none.
//
// Any thread, several at once, after fork. The arrays must not change meanwhile (if they do, the
// result means nothing, and no memory is damaged).
//
// Equal floats are one key: -0.0 and 0.0 (which comes out as 0.0), and all NaNs, which come last.
//
// Three ways, chosen by the number of rows and the keys alone, never by the number of threads:
//   - integers within a narrow range: a table with a place for each (group_dense.hpp);
//   - few different keys otherwise: a hash table for each portion of the rows (group_hashed.hpp);
//   - many: rows are first brought together in parts that share no key (group_parts.hpp).
// A group's values are added in the order of the rows; on the first two ways in portions, whose
// states are merged in order. The bound on a sum's error is in group_states.hpp.
//
// Memory beside the result: for narrow ranges at most 26 bytes for each possible key and portion,
// together less than 7 bytes a row or 2 MB, whichever is more; if there are many keys, 16 bytes a
// row, and 32 bytes a row and less more for each different key.
#pragma once

#include <cstdint>

#include "nativeconc/base/array_view.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/execution.hpp"

namespace nativeconc::kernels {

enum class Statistic { sum, mean, min, max, count };

struct Groups {
  WorkMemory<unsigned char> keys;     // of the keys' dtype
  WorkMemory<unsigned char> results;  // of result_dtype
  std::int64_t n = 0;
  Dtype result_dtype = Dtype::int64;
};

// One-dimensional arrays of one length. Throws std::bad_alloc.
pool::Outcome groupby(const ArrayView& keys, const ArrayView& values, Statistic how,
                      const pool::Execution& execution, Groups& out);

// A rough cost on one thread.
double groupby_estimated_ns(const ArrayView& keys);

}  // namespace nativeconc::kernels
