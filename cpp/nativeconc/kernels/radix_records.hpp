// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What the radix sort moves about: keys alone, or keys with the index of their element.
//
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <cstring>

namespace nativeconc::kernels {

// A key alone.
template <class Unsigned>
struct KeyRecord {
  using Record = Unsigned;
  using Word = Unsigned;
  static Word word(const Record& record) { return record; }
};

// A key of at most 32 bits in the upper half, an index in the lower half of one word.
struct PackedRecord {
  using Record = std::uint64_t;
  using Word = std::uint32_t;
  static Word word(const Record& record) { return static_cast<Word>(record >> 32); }
  static Record make(std::uint64_t key, std::int64_t index) {
    return key << 32 | static_cast<std::uint64_t>(index);
  }
  static std::int64_t index(const Record& record) {
    return static_cast<std::int64_t>(record & 0xffffffffU);
  }
};

// A key of 64 bits beside an index. Packed, so that a 32-bit index makes 12 bytes.
template <class Index>
struct PairRecord {
  struct __attribute__((packed, aligned(4))) Record {
    std::uint64_t key;
    Index index;
  };
  using Word = std::uint64_t;
  static Word word(const Record& record) { return record.key; }
  static Record make(std::uint64_t key, std::int64_t index) {
    return Record{key, static_cast<Index>(index)};
  }
  static std::int64_t index(const Record& record) {
    return static_cast<std::int64_t>(record.index);
  }
};

template <class Kind>
void copy_records(const typename Kind::Record* source, typename Kind::Record* target,
                  std::int64_t n) {
  if (source == target) return;
  std::memcpy(static_cast<void*>(target), source, static_cast<std::size_t>(n) * sizeof(*target));
}

}  // namespace nativeconc::kernels
