// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/row_words.hpp"

#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "nativeconc/kernels/order_keys.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::uint64_t kNanWord = ~std::uint64_t{0};

// The type that values of T are compared and added in: the widest of its family.
template <class T>
using Wide =
    std::conditional_t<std::is_floating_point_v<T>, double,
                       std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

template <class T>
struct KeyWord {
  static std::uint64_t word(T value) { return equal_key_of(value); }
  static T value(std::uint64_t word) {
    if constexpr (std::is_floating_point_v<T>) {
      if (word > kInfinityKey<T>) return std::numeric_limits<T>::quiet_NaN();
    }
    return value_of<T>(static_cast<Key<T>>(word));
  }
};

template <class T>
struct RealWord {
  static std::uint64_t word(T value) {
    return std::bit_cast<std::uint64_t>(static_cast<double>(value));
  }
  static T value(std::uint64_t word) { return static_cast<T>(std::bit_cast<double>(word)); }
};

template <class T>
struct IntegerWord {
  static std::uint64_t word(T value) {
    return std::bit_cast<std::uint64_t>(static_cast<Wide<T>>(value));
  }
  static T value(std::uint64_t word) { return static_cast<T>(std::bit_cast<Wide<T>>(word)); }
};

template <class T, bool kSmallest>
struct ExtremeWord {
  static constexpr std::uint64_t kLast =
      std::is_floating_point_v<T> ? kInfinityKey<double> : ~std::uint64_t{0};

  static std::uint64_t word(T value) {
    const std::uint64_t key = key_of(static_cast<Wide<T>>(value));
    if (key > kLast) return kNanWord;
    return kSmallest ? kLast - key : key;
  }
  static T value(std::uint64_t word) {
    if constexpr (std::is_floating_point_v<T>) {
      if (word > kLast) return std::numeric_limits<T>::quiet_NaN();
    }
    return static_cast<T>(value_of<Wide<T>>(kSmallest ? kLast - word : word));
  }
};

template <class T, class Word>
void read_words(const StridedWalk& column, std::int64_t first, std::int64_t count,
                std::uint64_t* out) {
  alignas(64) unsigned char buffer[kBlock * 8];
  const unsigned char* const block = block_of(column, first, count, buffer);
  for (std::int64_t i = 0; i < count; ++i) out[i] = Word::word(element<T>(block, i));
}

template <class T, class Word>
void write_words(const std::uint64_t* words, std::int64_t count, unsigned char* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T value = Word::value(words[i]);
    std::memcpy(out + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
  }
}

// visit(TypeTag<Word>{}), with what makes words of this kind from values of T.
template <class T, class Visit>
auto visit_kind(ValueWord kind, const Visit& visit) {
  switch (kind) {
    case ValueWord::smallest:
      return visit(TypeTag<ExtremeWord<T, true>>{});
    case ValueWord::largest:
      return visit(TypeTag<ExtremeWord<T, false>>{});
    case ValueWord::real:
      return visit(TypeTag<RealWord<T>>{});
    case ValueWord::none:
    case ValueWord::integer:
      break;
  }
  // A sum of floats is never asked for as an integer.
  using Word = std::conditional_t<std::is_floating_point_v<T>, RealWord<T>, IntegerWord<T>>;
  return visit(TypeTag<Word>{});
}

}  // namespace

ReadWords key_reader(Dtype dtype) {
  return visit_dtype(dtype, [](auto tag) -> ReadWords {
    using T = typename decltype(tag)::type;
    return &read_words<T, KeyWord<T>>;
  });
}

WriteWords key_writer(Dtype dtype) {
  return visit_dtype(dtype, [](auto tag) -> WriteWords {
    using T = typename decltype(tag)::type;
    return &write_words<T, KeyWord<T>>;
  });
}

ReadWords value_reader(Dtype dtype, ValueWord kind) {
  return visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return visit_kind<T>(
        kind, [](auto word) -> ReadWords { return &read_words<T, typename decltype(word)::type>; });
  });
}

Dtype value_result(Dtype dtype, ValueWord kind) {
  const bool real = dtype == Dtype::float32 || dtype == Dtype::float64;
  switch (kind) {
    case ValueWord::none:
      return Dtype::int64;
    case ValueWord::real:
      return real ? dtype : Dtype::float64;
    case ValueWord::smallest:
    case ValueWord::largest:
      return dtype;
    case ValueWord::integer:
      break;
  }
  return visit_dtype(dtype, [](auto tag) {
    using T = typename decltype(tag)::type;
    return std::is_unsigned_v<T> && !std::is_same_v<T, bool> ? Dtype::uint64 : Dtype::int64;
  });
}

WriteWords value_writer(Dtype dtype, ValueWord kind) {
  const Dtype result = value_result(dtype, kind);
  return visit_dtype(result, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return visit_kind<T>(kind, [](auto word) -> WriteWords {
      return &write_words<T, typename decltype(word)::type>;
    });
  });
}

}  // namespace nativeconc::kernels
