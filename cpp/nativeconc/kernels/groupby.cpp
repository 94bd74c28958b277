// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/groupby.hpp"

#include "nativeconc/kernels/both_ends.hpp"
#include "nativeconc/kernels/group_dense.hpp"
#include "nativeconc/kernels/group_hashed.hpp"
#include "nativeconc/kernels/group_states.hpp"
#include "nativeconc/kernels/order_keys.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Outcome;

bool is_real(Dtype dtype) { return dtype == Dtype::float32 || dtype == Dtype::float64; }

ValueWord word_for(Statistic how, Dtype values) {
  switch (how) {
    case Statistic::sum:
      return is_real(values) ? ValueWord::real : ValueWord::integer;
    case Statistic::mean:
      return ValueWord::real;
    case Statistic::min:
      return ValueWord::smallest;
    case Statistic::max:
      return ValueWord::largest;
    case Statistic::count:
      break;
  }
  return ValueWord::none;
}

// visit(TypeTag<State>{})
template <class Visit>
Outcome visit_state(Statistic how, ValueWord kind, const Visit& visit) {
  switch (how) {
    case Statistic::sum:
      if (kind == ValueWord::real) return visit(TypeTag<RealSum>{});
      return visit(TypeTag<IntegerSum>{});
    case Statistic::mean:
      return visit(TypeTag<RealMean>{});
    case Statistic::min:
    case Statistic::max:
      return visit(TypeTag<Extreme>{});
    case Statistic::count:
      break;
  }
  return visit(TypeTag<RowCount>{});
}

// How many keys there may be for a table with a place for each: some, or as many as rows.
std::uint64_t widest_range(std::int64_t n_rows) {
  constexpr std::int64_t kAlways = 1 << 10;
  const std::int64_t widest = n_rows < DenseGroups<RowCount>::kOneTable / 4
                                  ? 4 * n_rows
                                  : std::max(n_rows, DenseGroups<RowCount>::kOneTable);
  return static_cast<std::uint64_t>(std::max(kAlways, widest));
}

// Whether some of the keys, spread over the rows, are too far apart for a table: then there is no
// need to look at all of them.
bool some_are_far_apart(const RowWords& rows, std::uint64_t widest) {
  constexpr std::int64_t kSample = 256;
  const std::int64_t step = (rows.size() / kSample) | 1;
  std::uint64_t low = rows.key(0);
  std::uint64_t high = low;
  for (std::int64_t row = 0; row < rows.size(); row += step) {
    const std::uint64_t key = rows.key(row);
    low = std::min(low, key);
    high = std::max(high, key);
  }
  return high - low >= widest;
}

// The word of an integer key that extremes() gives as an int64.
std::uint64_t word_of(std::int64_t key, Dtype dtype) {
  return visit_dtype(dtype, [&](auto tag) -> std::uint64_t {
    using T = typename decltype(tag)::type;
    return equal_key_of(static_cast<T>(key));
  });
}

// Leaves `range` empty if a table would be too large, or the keys are no integers.
Outcome find_range(const ArrayView& keys, const RowWords& rows, const pool::Execution& execution,
                   KeyRange& range) {
  const std::uint64_t widest = widest_range(rows.size());
  if (is_real(keys.dtype) || some_are_far_apart(rows, widest)) return Outcome::done;
  Extremes ends;
  const auto outcome = extremes(keys, execution, ends);
  if (outcome == Outcome::cancelled) return outcome;
  range.low = word_of(ends.low, keys.dtype);
  const std::uint64_t apart = word_of(ends.high, keys.dtype) - range.low;
  if (apart < widest) range.size = static_cast<std::int64_t>(apart) + 1;
  return outcome;
}

}  // namespace

Outcome groupby(const ArrayView& keys, const ArrayView& values, Statistic how,
                const pool::Execution& execution, Groups& out) {
  const ValueWord kind = word_for(how, values.dtype);
  GroupOutput output(keys.dtype, values.dtype, kind, out);
  const RowWords rows(keys, values, kind);
  if (rows.size() == 0) {
    output.allocate(0);
    return Outcome::done;
  }
  KeyRange range;
  if (find_range(keys, rows, execution, range) == Outcome::cancelled) return Outcome::cancelled;
  return visit_state(how, kind, [&](auto tag) {
    using State = typename decltype(tag)::type;
    if (range.size > 0) return DenseGroups<State>(rows, range, execution).run(output);
    return HashedGroups<State>(rows, execution).run(output);
  });
}

double groupby_estimated_ns(const ArrayView& keys) {
  const double each = is_real(keys.dtype) ? 12.0 : 6.0;
  return 1500.0 + each * static_cast<double>(keys.size());
}

}  // namespace nativeconc::kernels
