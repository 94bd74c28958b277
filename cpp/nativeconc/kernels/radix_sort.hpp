// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A stable radix sort of records (radix_records.hpp) by their keys, in the caches or on all cores.
//
// Any thread, several at once, after fork. The order of a stable sort is unique, so threads change
// nothing.
//
// sort_records() is for what fits a cache: two passes by the highest digits in which keys differ,
// least significant first (Knuth, TAOCP 3, 5.2.5, algorithm R); then what is still out of place,
// which among n keys with more than n values of these digits is little, is put right by insertion,
// or, in long runs of equal digits, by sorting each run.
//
// sort_large() first distributes the records to some 500 buckets. Up to 2^16 cells of equal width
// span the range from the smallest key to the largest; neighbouring cells are joined to buckets of
// n / 512 records or less. Blocks are counted and distributed in parallel, then buckets are sorted
// in parallel. Keys that are in order already are noticed and copied.
#pragma once

#include <cstdint>

#include "nativeconc/kernels/radix_records.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {

// From here on sort_large() pays.
constexpr std::int64_t kLargeSort = 1 << 16;

// Sorts n records of `source` into `target`. `source` may be `target`; `spare` has room for n.
// False: stopped, and what is in `target` is of no use.
template <class Kind>
bool sort_records(const typename Kind::Record* source, typename Kind::Record* target,
                  typename Kind::Record* spare, std::int64_t n, const pool::Checkpoint& checkpoint);

template <class Kind>
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // Makes the records first .. first + count - 1.
  virtual void fill(std::int64_t first, std::int64_t count, typename Kind::Record* out) const = 0;
};

template <class Kind>
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // Memory for the sorted records from position `first` on, if the result has room for records;
  // else null.
  virtual typename Kind::Record* place(std::int64_t first) const = 0;
  // Takes the sorted records first .. first + count - 1, which lie in place(first) if that is not
  // null, and else may be overwritten afterwards.
  virtual void emit(std::int64_t first, std::int64_t count,
                    const typename Kind::Record* sorted) const = 0;
};

// Throws std::bad_alloc; takes memory for n records, and a little.
template <class Kind>
pool::Outcome sort_large(std::int64_t n, const RecordSource<Kind>& source,
                         const RecordSink<Kind>& sink, const pool::Execution& execution);

}  // namespace nativeconc::kernels
