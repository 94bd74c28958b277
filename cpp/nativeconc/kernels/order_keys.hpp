// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Numbers as unsigned integers ("keys") that are ordered as NumPy orders the numbers: a radix sort
// looks at the bits of the key.
//
// Pure functions; any thread.
//
// Two keys of a float. key_of() keeps every bit, so value_of() gives the number back: -0.0 comes
// right before 0.0, and the NaNs come last, in the order of their bits. equal_key_of() gives
// numbers that compare equal one key (both zeros; all NaNs): what a stable order needs.
//
// How: a positive float is ordered by its bits, a negative one by their complement. With the sign
// bit turned, that puts the negative NaNs first; subtracting the key of -inf brings them round to
// the end. (Knuth, TAOCP 3, 5.2.5, has the order by bits.)
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace nativeconc::kernels {

template <std::size_t kSize>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = std::uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = std::uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = std::uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = std::uint64_t;
};

template <class T>
using Key = typename UnsignedOf<sizeof(T)>::type;

template <class T>
constexpr Key<T> kSignBit = static_cast<Key<T>>(Key<T>{1} << (8 * sizeof(T) - 1));

// What -inf becomes before it is moved to 0: the number of negative NaNs.
template <class T>
constexpr Key<T> kNegativeNans =
    sizeof(T) == 8 ? static_cast<Key<T>>(0x000fffffffffffffULL) : static_cast<Key<T>>(0x007fffffU);

// The key of +inf; those of the NaNs are larger.
template <class T>
constexpr Key<T> kInfinityKey = static_cast<Key<T>>(~kNegativeNans<T> - kNegativeNans<T>);

template <class T>
constexpr Key<T> key_of(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return static_cast<Key<T>>(value);
  } else {
    const auto bits = std::bit_cast<Key<T>>(value);
    if constexpr (std::is_floating_point_v<T>) {
      using Signed = std::make_signed_t<Key<T>>;
      const auto all = static_cast<Key<T>>(static_cast<Signed>(bits) >> (8 * sizeof(T) - 1));
      return static_cast<Key<T>>((bits ^ (all | kSignBit<T>)) - kNegativeNans<T>);
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<Key<T>>(bits ^ kSignBit<T>);
    } else {
      return bits;
    }
  }
}

template <class T>
constexpr T value_of(Key<T> key) {
  if constexpr (std::is_same_v<T, bool>) {
    return key != 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    using Signed = std::make_signed_t<Key<T>>;
    const auto turned = static_cast<Key<T>>(key + kNegativeNans<T>);
    const auto all = static_cast<Key<T>>(static_cast<Signed>(turned) >> (8 * sizeof(T) - 1));
    return std::bit_cast<T>(static_cast<Key<T>>(turned ^ (~all | kSignBit<T>)));
  } else if constexpr (std::is_signed_v<T>) {
    return std::bit_cast<T>(static_cast<Key<T>>(key ^ kSignBit<T>));
  } else {
    return key;
  }
}

template <class T>
constexpr Key<T> equal_key_of(T value) {
  const Key<T> key = key_of(value);
  if constexpr (std::is_floating_point_v<T>) {
    constexpr Key<T> kNegativeZero = key_of(static_cast<T>(-0.0));
    if (key > kInfinityKey<T>) return static_cast<Key<T>>(kInfinityKey<T> + 1);
    return static_cast<Key<T>>(key + (key == kNegativeZero ? 1 : 0));
  } else {
    return key;
  }
}

// An element that need not be aligned; any byte but 0 of a bool is true.
template <class T>
T element_at(const unsigned char* address) {
  if constexpr (std::is_same_v<T, bool>) {
    return *address != 0;
  } else {
    T value;
    std::memcpy(&value, address, sizeof(T));
    return value;
  }
}

}  // namespace nativeconc::kernels
