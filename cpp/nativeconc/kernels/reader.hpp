// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Reads elements of any dtype as another type. With it an algorithm need only exist for a few
// types: the others are converted on their way, a leaf at a time, in the caches.
//
// Pure functions; any thread. The array's memory is only read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "nativeconc/kernels/strided_walk.hpp"

namespace nativeconc::kernels {

// Where n rows begin.
struct RowsOfElements {
  const unsigned char* source;
  const std::int64_t* offsets;
  std::int64_t n;
};

template <class To>
struct Reader {
  // Elements first .. first + count - 1 of a walk, at most 512. Null if the elements are of type To
  // in memory: then they may be read where they are.
  void (*gather_line)(const StridedWalk& line, std::int64_t first, std::int64_t count, To* out);

  // `width` elements of each row, `stride` bytes apart.
  void (*gather_rows)(const RowsOfElements& rows, std::int64_t width, std::int64_t stride, To* out);
};

namespace detail {

// A bool as it lies in memory: any byte but 0 is true.
struct BoolByte {
  std::uint8_t byte;
};

// By way of the signed type, for negative numbers.
template <class To, class From>
To converted(From value) {
  if constexpr (std::is_same_v<From, BoolByte>) {
    return static_cast<To>(value.byte != 0);
  } else if constexpr (std::is_floating_point_v<To> || std::is_unsigned_v<From>) {
    return static_cast<To>(value);
  } else {
    return static_cast<To>(static_cast<std::int64_t>(value));
  }
}

template <class From, class To>
void gather_line(const StridedWalk& line, std::int64_t first, std::int64_t count, To* out) {
  constexpr std::int64_t kAtOnce = 512;
  alignas(64) From some[kAtOnce];
  line.gather(first, std::min(count, kAtOnce), reinterpret_cast<unsigned char*>(some));
  for (std::int64_t i = 0; i < count; ++i) out[i] = converted<To>(some[i]);
}

template <class From, class To>
void gather_rows(const RowsOfElements& rows, std::int64_t width, std::int64_t stride, To* out) {
  for (std::int64_t row = 0; row < rows.n; ++row) {
    const unsigned char* source = rows.source + rows.offsets[row];
    for (std::int64_t i = 0; i < width; ++i) {
      From element;
      __builtin_memcpy(&element, source + i * stride, sizeof element);
      *out++ = converted<To>(element);
    }
  }
}

}  // namespace detail

// What reads elements of type T.
template <class To, class T>
Reader<To> reader_of() {
  using From = std::conditional_t<std::is_same_v<T, bool>, detail::BoolByte, T>;
  if constexpr (std::is_same_v<From, To>) {
    return {nullptr, &detail::gather_rows<From, To>};
  } else {
    return {&detail::gather_line<From, To>, &detail::gather_rows<From, To>};
  }
}

}  // namespace nativeconc::kernels
