// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// NumPy arrays seen as the core's ArrayView. Needs the GIL.
#pragma once

#include <span>
#include <string_view>

#include "nativeconc/base/array_view.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// Views an array whose dtype is one of `allowed`; the caller keeps the array alive.
// Throws a Python TypeError that names the kernel and lists what is allowed.
ArrayView view_of(py::handle array, std::string_view kernel, std::span<const Dtype> allowed);

const char* dtype_name(Dtype dtype);

// A new C-contiguous array with undefined elements.
py::array new_array(Dtype dtype, std::span<const std::int64_t> shape);

}  // namespace nativeconc::seam
