// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Groups that were found in any order, and how they become a sorted result.
//
// allocate() and add() from one thread; what at() gives may be filled by several. The words of keys
// are all different.
#pragma once

#include <vector>

#include "nativeconc/kernels/group_output.hpp"
#include "nativeconc/kernels/radix_records.hpp"

namespace nativeconc::kernels {

class FoundGroups {
 public:
  // The word of a key, and that of its result.
  using Kind = PairRecord<std::uint64_t>;
  using Record = Kind::Record;

  // Room for n groups. Throws std::bad_alloc.
  void allocate(std::int64_t n) { records_ = WorkMemory<Record>(n); }

  Record* at(std::int64_t place) const { return records_.data() + place; }

  // There are `count` groups from `place` on.
  void add(std::int64_t place, std::int64_t count) {
    lists_.push_back({place, n_});
    n_ += count;
  }

  std::int64_t size() const { return n_; }

  // Copies groups first .. first + count - 1, in the order in which they were added.
  void copy(std::int64_t first, std::int64_t count, Record* out) const;

 private:
  struct List {
    std::int64_t place;
    std::int64_t before;  // groups in the lists before
  };

  WorkMemory<Record> records_;
  std::vector<List> lists_;
  std::int64_t n_ = 0;
};

// Throws std::bad_alloc.
pool::Outcome write_sorted(const FoundGroups& groups, const pool::Execution& execution,
                           GroupOutput& out);

}  // namespace nativeconc::kernels
