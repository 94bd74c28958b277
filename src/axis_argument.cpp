// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "axis_argument.hpp"

#include <vector>

#include "nativeconc/kernels/row_major.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {

int parse_axis(py::handle axis, int ndim) {
  if (axis.is_none()) return kernels::kFlat;
  const Py_ssize_t given = PyNumber_AsSsize_t(axis.ptr(), nullptr);  // far too large: clipped
  if (given == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (given >= -ndim && given < ndim) return static_cast<int>(given < 0 ? given + ndim : given);
  const py::object type = py::module_::import("numpy.exceptions").attr("AxisError");
  PyErr_SetObject(type.ptr(), type(axis, ndim).ptr());
  throw py::error_already_set();
}

py::array new_lanes(Dtype dtype, const ArrayView& like, int axis) {
  std::vector<std::int64_t> shape;
  if (axis == kernels::kFlat) {
    shape.push_back(like.size());
  } else {
    for (int i = 0; i < like.ndim; ++i) {
      if (i != axis) shape.push_back(like.shape[static_cast<std::size_t>(i)]);
    }
    shape.push_back(like.shape[static_cast<std::size_t>(axis)]);
  }
  return new_array(dtype, shape);
}

py::object with_axis_back(py::array lanes, int axis) {
  const auto ndim = static_cast<int>(lanes.ndim());
  if (axis == kernels::kFlat || axis == ndim - 1) return lanes;
  py::list axes;
  for (int i = 0; i < ndim; ++i) axes.append(i < axis ? i : i == axis ? ndim - 1 : i - 1);
  return lanes.attr("transpose")(axes);
}

}  // namespace nativeconc::seam
