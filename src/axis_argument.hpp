// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// axis= of the kernels that work along one axis, and the arrays they make. Needs the GIL.
#pragma once

#include "nativeconc/base/array_view.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// An axis from 0 to ndim - 1, or kernels::kFlat for None.
// Throws numpy.exceptions.AxisError, or a TypeError if it is no integer.
int parse_axis(py::handle axis, int ndim);

// A new array for results that are written lane by lane: contiguous, `axis` being the last.
py::array new_lanes(Dtype dtype, const ArrayView& like, int axis);

// Moves the last axis of such an array to where it belongs.
py::object with_axis_back(py::array lanes, int axis);

}  // namespace nativeconc::seam
