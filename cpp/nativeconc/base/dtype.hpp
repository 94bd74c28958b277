// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The element types that kernels know.
// The numbers are part of the C ABI of the GPU library: never renumber them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nativeconc {

enum class Dtype : std::int32_t { float32 = 0, float64 = 1, int32 = 2, int64 = 3 };

constexpr std::size_t size_of(Dtype dtype) {
  return dtype == Dtype::float32 || dtype == Dtype::int32 ? 4 : 8;
}

}  // namespace nativeconc
