// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The axis= of a reduction: None for all axes, an int, or a tuple of ints. Needs the GIL.
#pragma once

#include "nativeconc/kernels/lines.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// Throws NumPy's AxisError if an axis is out of range, a ValueError if one is named twice, and a
// TypeError if it is none of the above.
kernels::AxisSet parse_axes(py::handle axis, int ndim);

}  // namespace nativeconc::seam
