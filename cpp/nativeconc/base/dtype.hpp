// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The element types that kernels know.
// The numbers are part of the C ABI of the GPU library: never renumber them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nativeconc {

enum class Dtype : std::int32_t {
  float32 = 0,
  float64 = 1,
  int32 = 2,
  int64 = 3,
  int8 = 4,
  int16 = 5,
  uint8 = 6,
  uint16 = 7,
  uint32 = 8,
  uint64 = 9,
  boolean = 10,  // a byte that is 0 or 1
};

// A type as a value: what visit_dtype() hands over.
template <class T>
struct TypeTag {
  using type = T;
};

// Calls visitor(TypeTag<T>{}) with the C++ type of the dtype's elements.
template <class Visitor>
constexpr decltype(auto) visit_dtype(Dtype dtype, Visitor&& visitor) {
  switch (dtype) {
    case Dtype::float32:
      return visitor(TypeTag<float>{});
    case Dtype::float64:
      return visitor(TypeTag<double>{});
    case Dtype::int32:
      return visitor(TypeTag<std::int32_t>{});
    case Dtype::int64:
      return visitor(TypeTag<std::int64_t>{});
    case Dtype::int8:
      return visitor(TypeTag<std::int8_t>{});
    case Dtype::int16:
      return visitor(TypeTag<std::int16_t>{});
    case Dtype::uint8:
      return visitor(TypeTag<std::uint8_t>{});
    case Dtype::uint16:
      return visitor(TypeTag<std::uint16_t>{});
    case Dtype::uint32:
      return visitor(TypeTag<std::uint32_t>{});
    case Dtype::uint64:
      return visitor(TypeTag<std::uint64_t>{});
    case Dtype::boolean:
      break;
  }
  return visitor(TypeTag<bool>{});
}

constexpr std::size_t size_of(Dtype dtype) {
  return visit_dtype(dtype, [](auto tag) { return sizeof(typename decltype(tag)::type); });
}

}  // namespace nativeconc
