// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A borrowed, typed, strided view of somebody else's array.
// A plain value: it owns nothing, and whoever makes one keeps the memory alive.
// Invariants: 0 <= ndim <= kMaxDims; every extent is >= 0; strides are in bytes and may be zero
// or negative; elements need not be aligned.
#pragma once

#include <array>
#include <cstdint>

#include "nativeconc/base/dtype.hpp"

namespace nativeconc {

struct ArrayView {
  static constexpr int kMaxDims = 64;  // NumPy's own limit since 2.0

  const void* data = nullptr;
  Dtype dtype = Dtype::float64;
  int ndim = 0;
  std::array<std::int64_t, kMaxDims> shape{};
  std::array<std::int64_t, kMaxDims> strides{};

  std::int64_t size() const {
    std::int64_t n = 1;
    for (int i = 0; i < ndim; ++i) n *= shape[static_cast<std::size_t>(i)];
    return n;
  }
};

}  // namespace nativeconc
