// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Bytes in a ring: positions only grow, and where they lie is the rest of a division.
//
// It knows nothing of who may write where, and orders nothing: its users do (queue_ends.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace nativeconc::shared {

class ByteRing {
 public:
  ByteRing() = default;
  ByteRing(std::byte* base, std::uint64_t size) : base_(base), size_(size) {}

  std::uint64_t size() const { return size_; }

  // At most size() bytes.
  void write(std::uint64_t position, std::span<const std::byte> bytes) const {
    const std::uint64_t at = position % size_;
    const std::size_t first = std::min<std::uint64_t>(bytes.size(), size_ - at);
    copy(base_ + at, bytes.data(), first);
    copy(base_, bytes.data() + first, bytes.size() - first);
  }

  void read(std::uint64_t position, std::span<std::byte> bytes) const {
    const std::uint64_t at = position % size_;
    const std::size_t first = std::min<std::uint64_t>(bytes.size(), size_ - at);
    copy(bytes.data(), base_ + at, first);
    copy(bytes.data() + first, base_, bytes.size() - first);
  }

 private:
  static void copy(std::byte* to, const std::byte* from, std::size_t size) {
    if (size > 0) std::memcpy(to, from, size);
  }

  std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace nativeconc::shared
