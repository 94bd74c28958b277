// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/unique.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "nativeconc/kernels/argsort.hpp"
#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/sort.hpp"
#include "nativeconc/kernels/work_memory.hpp"
#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;

constexpr std::int64_t kBlock = 1 << 16;

std::int64_t n_blocks(std::int64_t n) { return (n - 1) / kBlock + 1; }

template <class T>
class Unique {
 public:
  Unique(const ArrayView& a, bool equal_nan, const pool::Execution& execution,
         UniqueResults& results)
      : a_(a), equal_nan_(equal_nan), execution_(execution), results_(results), n_(a.size()) {}

  Outcome run() {
    results_.n_unique = 0;
    if (n_ == 0) return Outcome::done;
    T* const values = static_cast<T*>(results_.values);
    WorkMemory<std::int64_t> memory;
    if (results_.index != nullptr || results_.inverse != nullptr) {
      memory = WorkMemory<std::int64_t>(n_);
      order_ = memory.data();
      if (argsort(a_, kFlat, execution_, order_) == Outcome::cancelled) return Outcome::cancelled;
      if (take(values) == Outcome::cancelled) return Outcome::cancelled;
    } else if (sort(a_, kFlat, execution_, values) == Outcome::cancelled) {
      return Outcome::cancelled;
    }
    if (count_starts(values) == Outcome::cancelled) return Outcome::cancelled;
    const WorkMemory<T> kept(results_.n_unique);
    if (pick(values, kept.data()) == Outcome::cancelled) return Outcome::cancelled;
    return pool::parallel_for(
        n_blocks(results_.n_unique), execution_, [&](std::int64_t block, const pool::Checkpoint&) {
          const std::int64_t first = block * kBlock;
          const std::int64_t end = std::min(results_.n_unique, first + kBlock);
          std::copy(kept.data() + first, kept.data() + end, values + first);
        });
  }

 private:
  // The sorted values, by their order.
  Outcome take(T* values) const {
    const RowMajor elements(a_);
    return pool::parallel_for(n_blocks(n_), execution_,
                              [&](std::int64_t block, const pool::Checkpoint&) {
                                const std::int64_t end = std::min(n_, (block + 1) * kBlock);
                                for (std::int64_t i = block * kBlock; i < end; ++i) {
                                  const T value = elements.at<T>(order_[i]);
                                  std::memcpy(values + i, &value, sizeof(T));
                                }
                              });
  }

  // Whether another value begins at i.
  bool starts(const T* sorted, std::int64_t i) const {
    if (i == 0) return true;
    if constexpr (std::is_floating_point_v<T>) {
      if (!equal_nan_) return sorted[i] != sorted[i - 1];
    }
    return equal_key_of(sorted[i]) != equal_key_of(sorted[i - 1]);
  }

  // How many values begin before each block, and where the first one after it begins.
  Outcome count_starts(const T* sorted) {
    const auto n = static_cast<std::size_t>(n_blocks(n_));
    before_.assign(n + 1, 0);
    first_start_.assign(n + 1, n_);
    const auto outcome = pool::parallel_for(n_blocks(n_), execution_,
                                            [&](std::int64_t block, const pool::Checkpoint&) {
                                              const std::int64_t begin = block * kBlock;
                                              const std::int64_t end = std::min(n_, begin + kBlock);
                                              std::int64_t count = 0;
                                              std::int64_t first = n_;
                                              for (std::int64_t i = end - 1; i >= begin; --i) {
                                                const bool start = starts(sorted, i);
                                                count += start ? 1 : 0;
                                                first = start ? i : first;
                                              }
                                              before_[static_cast<std::size_t>(block) + 1] = count;
                                              first_start_[static_cast<std::size_t>(block)] = first;
                                            });
    for (std::size_t block = 0; block < n; ++block) before_[block + 1] += before_[block];
    for (std::size_t block = n; block-- > 0;) {
      first_start_[block] = std::min(first_start_[block], first_start_[block + 1]);
    }
    results_.n_unique = before_[n];
    return outcome;
  }

  Outcome pick(const T* sorted, T* kept) const {
    return pool::parallel_for(
        n_blocks(n_), execution_, [&](std::int64_t block, const pool::Checkpoint&) {
          const auto b = static_cast<std::size_t>(block);
          const std::int64_t end = std::min(n_, (block + 1) * kBlock);
          std::int64_t next = before_[b];
          std::int64_t started = 0;  // where the value at hand began, if in this block
          for (std::int64_t i = block * kBlock; i < end; ++i) {
            if (starts(sorted, i)) {
              if (results_.counts != nullptr && next > before_[b]) {
                results_.counts[next - 1] = i - started;
              }
              if (results_.index != nullptr) results_.index[next] = order_[i];
              std::memcpy(kept + next, sorted + i, sizeof(T));
              started = i;
              ++next;
            }
            if (results_.inverse != nullptr) results_.inverse[order_[i]] = next - 1;
          }
          if (results_.counts != nullptr && next > before_[b]) {
            results_.counts[next - 1] = first_start_[b + 1] - started;
          }
        });
  }

  const ArrayView& a_;
  const bool equal_nan_;
  const pool::Execution& execution_;
  UniqueResults& results_;
  const std::int64_t n_;
  std::int64_t* order_ = nullptr;          // null: no indices are asked for
  std::vector<std::int64_t> before_;       // [block], and the number of all
  std::vector<std::int64_t> first_start_;  // [block], in it or after it
};

}  // namespace

Outcome unique(const ArrayView& a, bool equal_nan, const pool::Execution& execution,
               UniqueResults& results) {
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return Unique<T>(a, equal_nan, execution, results).run();
  });
}

double unique_estimated_ns(const ArrayView& a, bool with_indices) {
  const double each = with_indices ? 30.0 : 17.0;
  return 400.0 + each * static_cast<double>(a.size());
}

}  // namespace nativeconc::kernels
