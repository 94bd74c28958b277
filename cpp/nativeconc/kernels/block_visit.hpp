// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Hands a stretch of an array to a visitor, as contiguous blocks that fit the nearest cache.
//
// Any thread. Invariant: where the blocks begin depends on the stretch alone.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "nativeconc/kernels/strided_walk.hpp"
#include "nativeconc/pool/job.hpp"

namespace nativeconc::kernels {

constexpr std::int64_t kBlock = 1024;

// Reads element i of a block, which need not be aligned.
template <class T>
inline T element(const unsigned char* block, std::int64_t i) {
  using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
  Stored value;
  std::memcpy(&value, block + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return static_cast<T>(value);  // any byte but 0 is true
}

// Elements first .. first + count - 1, count <= kBlock, in the array itself or copied to `buffer`,
// which has room for kBlock elements.
inline const unsigned char* block_of(const StridedWalk& walk, std::int64_t first,
                                     std::int64_t count, unsigned char* buffer) {
  if (walk.is_contiguous()) return walk.data + first * walk.itemsize;
  walk.gather(first, count, buffer);
  return buffer;
}

// visit(const unsigned char* block, std::int64_t n, std::int64_t done), where `done` elements of
// the stretch came before. False if it was stopped on the way.
template <class Visit>
bool visit_blocks(const StridedWalk& walk, std::int64_t first, std::int64_t count,
                  const pool::Checkpoint& checkpoint, Visit&& visit) {
  constexpr std::int64_t kBetweenChecks = 64 * kBlock;
  alignas(64) unsigned char buffer[kBlock * 8];
  for (std::int64_t done = 0; done < count; done += kBlock) {
    if (done % kBetweenChecks == 0 && done > 0 && checkpoint.stop()) return false;
    const std::int64_t n = std::min(kBlock, count - done);
    visit(block_of(walk, first + done, n, buffer), n, done);
  }
  return true;
}

}  // namespace nativeconc::kernels
