// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Histograms, counts and groups, as functions of _core. All arguments are positional: the
// kernel's own, then threads and gil. See bind_kernels.cpp.
#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {

void bind_counting(py::module_&) {}

}  // namespace nativeconc::seam
