// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/argsort.hpp"

#include "nativeconc/kernels/lane_sort.hpp"
#include "nativeconc/kernels/row_major.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kManyElements = std::int64_t{1} << 32;

template <class Kind, class T>
class KeysWithIndices final : public RecordSource<Kind> {
 public:
  KeysWithIndices(const RowMajor& elements, std::int64_t begin)
      : elements_(elements), begin_(begin) {}

  void fill(std::int64_t first, std::int64_t count, typename Kind::Record* out) const override {
    elements_.visit<T>(begin_ + first, count, [&](std::int64_t i, T value) {
      out[i] = Kind::make(equal_key_of(value), first + i);
    });
  }

 private:
  const RowMajor& elements_;
  std::int64_t begin_;
};

template <class Kind>
class Indices final : public RecordSink<Kind> {
 public:
  explicit Indices(std::int64_t* begin) : begin_(begin) {}

  typename Kind::Record* place(std::int64_t) const override { return nullptr; }

  void emit(std::int64_t first, std::int64_t count,
            const typename Kind::Record* sorted) const override {
    for (std::int64_t i = 0; i < count; ++i) begin_[first + i] = Kind::index(sorted[i]);
  }

 private:
  std::int64_t* begin_;
};

template <class Kind, class T>
pool::Outcome argsort_with(const RowMajor& elements, std::int64_t length,
                           const pool::Execution& execution, std::int64_t* out) {
  if (elements.size() == 0) return pool::Outcome::done;
  return sort_lanes<Kind>(
      elements.size() / length, length,
      [&](std::int64_t lane) { return KeysWithIndices<Kind, T>(elements, lane * length); },
      [&](std::int64_t lane) { return Indices<Kind>(out + lane * length); }, execution);
}

pool::Outcome argsort_in(const ArrayView& a, int axis, const pool::Execution& execution,
                         std::int64_t* out, std::int64_t many) {
  const RowMajor elements(a, axis);
  const std::int64_t length = lane_length(a, axis);
  return visit_dtype(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (length >= many) {
      return argsort_with<PairRecord<std::uint64_t>, T>(elements, length, execution, out);
    }
    using Kind = std::conditional_t<sizeof(T) == 8, PairRecord<std::uint32_t>, PackedRecord>;
    return argsort_with<Kind, T>(elements, length, execution, out);
  });
}

}  // namespace

pool::Outcome argsort(const ArrayView& a, int axis, const pool::Execution& execution,
                      std::int64_t* out) {
  return argsort_in(a, axis, execution, out, kManyElements);
}

pool::Outcome argsort_of_many(const ArrayView& a, int axis, const pool::Execution& execution,
                              std::int64_t* out) {
  return argsort_in(a, axis, execution, out, 0);
}

double argsort_estimated_ns(const ArrayView& a) {
  return 100.0 + 18.0 * static_cast<double>(a.size());
}

}  // namespace nativeconc::kernels
