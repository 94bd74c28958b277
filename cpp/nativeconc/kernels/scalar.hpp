// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One element of any dtype: what a kernel that reduces an array gives back. A plain value.
// Invariant: `real` counts if dtype is a float type, `integer` otherwise.
#pragma once

#include <cstdint>

#include "nativeconc/base/dtype.hpp"

namespace nativeconc::kernels {

struct Scalar {
  Dtype dtype = Dtype::float64;
  double real = 0.0;  // a float32 is held exactly
  std::int64_t integer = 0;
};

}  // namespace nativeconc::kernels
