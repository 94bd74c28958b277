// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The result of grouping: made once it is known how many groups there are, and written a stretch at
// a time by whoever has it.
//
// write() may be called from several threads for different stretches.
#pragma once

#include "nativeconc/kernels/groupby.hpp"
#include "nativeconc/kernels/row_words.hpp"

namespace nativeconc::kernels {

class GroupOutput {
 public:
  GroupOutput(Dtype keys, Dtype values, ValueWord kind, Groups& out)
      : out_(out),
        key_bytes_(static_cast<std::int64_t>(size_of(keys))),
        result_bytes_(static_cast<std::int64_t>(size_of(value_result(values, kind)))),
        write_keys_(key_writer(keys)),
        write_results_(value_writer(values, kind)) {
    out.result_dtype = value_result(values, kind);
  }

  // Throws std::bad_alloc.
  void allocate(std::int64_t n_groups) {
    out_.keys = WorkMemory<unsigned char>(n_groups * key_bytes_);
    out_.results = WorkMemory<unsigned char>(n_groups * result_bytes_);
    out_.n = n_groups;
  }

  // The words of groups first .. first + count - 1.
  void write(std::int64_t first, std::int64_t count, const std::uint64_t* keys,
             const std::uint64_t* results) const {
    write_keys_(keys, count, out_.keys.data() + first * key_bytes_);
    write_results_(results, count, out_.results.data() + first * result_bytes_);
  }

 private:
  Groups& out_;
  std::int64_t key_bytes_;
  std::int64_t result_bytes_;
  WriteWords write_keys_;
  WriteWords write_results_;
};

}  // namespace nativeconc::kernels
