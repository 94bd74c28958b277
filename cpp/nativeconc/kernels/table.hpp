// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The list of kernels: what there is, for which element types, on which devices, and what each one
// stands in for. Constant data; any thread.
// Invariant: one row a kernel, in alphabetical order.
#pragma once

#include <span>
#include <string_view>

#include "nativeconc/base/dtype.hpp"

namespace nativeconc::kernels {

struct KernelRow {
  std::string_view name;
  std::span<const Dtype> dtypes;  // of the array it takes; empty if it takes none
  bool on_cuda;                   // every kernel runs on the CPU
  std::string_view incumbent;     // what people use today
};

std::span<const KernelRow> table();

// What the array of a kernel may hold.
std::span<const Dtype> dtypes_of(std::string_view kernel);

}  // namespace nativeconc::kernels
