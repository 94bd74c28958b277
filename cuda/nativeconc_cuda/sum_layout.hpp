// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How the GPU's sum walks an array, and how it cuts the walk into blocks.
//
// Pure functions on plain values; the same on host and device. The order of the walk is that of the
// axes' strides, longest first, so memory is read as it lies; within that order the result depends
// on the values alone. Axes are joined where one continues the other, so that most arrays end up
// with one or two.
//
// Invariants: the block length is a constant, and so is the tree inside a block: which elements are
// added to which depends on their number alone, not on the device, the stride or the alignment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nativeconc/base/host_device.hpp"
#include "nativeconc_cuda/abi.h"

namespace nativeconc::cuda {

inline constexpr std::int64_t kSumBlockLength = 8192;

// A grid has at most 2^31 - 1 blocks in x.
inline constexpr std::int64_t kSumMaxElements = kSumBlockLength * 0x7fffffff;

// A walk over at least one element. `stride` in bytes; axis 0 is the slowest.
struct SumWalk {
  std::int32_t ndim = 0;
  std::int64_t shape[NATIVECONC_CUDA_MAX_DIMS] = {};
  std::int64_t stride[NATIVECONC_CUDA_MAX_DIMS] = {};
};

// Where element number `i` lies, in bytes from element 0. `Index` is std::uint32_t where all
// numbers fit (64-bit division is slow on a GPU), else std::uint64_t.
template <class Index>
NATIVECONC_HOST_DEVICE inline std::int64_t sum_offset(const SumWalk& walk, Index i) {
  std::int64_t offset = 0;
  for (int axis = walk.ndim - 1; axis > 0; --axis) {
    const Index extent = static_cast<Index>(walk.shape[axis]);
    const Index rest = i / extent;
    offset += static_cast<std::int64_t>(i - rest * extent) * walk.stride[axis];
    i = rest;
  }
  return walk.ndim > 0 ? offset + static_cast<std::int64_t>(i) * walk.stride[0] : offset;
}

// How many elements; -1 if they are too many to count, or an extent is negative.
inline std::int64_t sum_count(const NativeconcCudaArray& array) {
  std::int64_t n = 1;
  bool empty = false;
  bool too_many = false;
  for (int axis = 0; axis < array.ndim; ++axis) {
    const std::int64_t extent = array.shape[axis];
    if (extent < 0) return -1;
    empty = empty || extent == 0;
    if (extent != 0) too_many = __builtin_mul_overflow(n, extent, &n) || too_many;
  }
  if (empty) return 0;
  return too_many ? -1 : n;
}

// Puts the axes of a non-empty array into the order of the walk, without those of extent 1.
inline SumWalk sum_walk(const NativeconcCudaArray& array) {
  const auto magnitude = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  SumWalk sorted;
  for (int axis = 0; axis < array.ndim; ++axis) {
    if (array.shape[axis] == 1) continue;  // its stride means nothing
    int place = sorted.ndim++;
    for (; place > 0 && magnitude(sorted.stride[place - 1]) < magnitude(array.strides[axis]);
         --place) {
      sorted.shape[place] = sorted.shape[place - 1];
      sorted.stride[place] = sorted.stride[place - 1];
    }
    sorted.shape[place] = array.shape[axis];
    sorted.stride[place] = array.strides[axis];
  }
  SumWalk walk;
  for (int axis = 0; axis < sorted.ndim; ++axis) {
    const std::int64_t extent = sorted.shape[axis];
    const std::int64_t stride = sorted.stride[axis];
    std::int64_t whole = 0;
    const bool continues = walk.ndim > 0 && !__builtin_mul_overflow(stride, extent, &whole) &&
                           walk.stride[walk.ndim - 1] == whole;
    if (continues) {
      walk.shape[walk.ndim - 1] *= extent;
      walk.stride[walk.ndim - 1] = stride;
    } else {
      walk.shape[walk.ndim] = extent;
      walk.stride[walk.ndim] = stride;
      ++walk.ndim;
    }
  }
  return walk;
}

inline bool sum_is_contiguous(const SumWalk& walk, std::size_t itemsize) {
  return walk.ndim == 0 ||
         (walk.ndim == 1 && walk.stride[0] == static_cast<std::int64_t>(itemsize));
}

inline std::int64_t sum_block_count(std::int64_t n) {
  return n / kSumBlockLength + (n % kSumBlockLength != 0);
}

// The blocks' sums are summed in the same way, level upon level, until one block is left. How many
// sums all the levels hold; each level starts at an even place, for loads of 16 bytes.
inline std::int64_t sum_level_size(std::int64_t n_blocks) { return n_blocks + n_blocks % 2; }
inline std::int64_t sum_partials_size(std::int64_t n) {
  std::int64_t total = 0;
  for (std::int64_t blocks = sum_block_count(n); blocks > 1; blocks = sum_block_count(blocks)) {
    total += sum_level_size(blocks);
  }
  return total;
}

}  // namespace nativeconc::cuda
