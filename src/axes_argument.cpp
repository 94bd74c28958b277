// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "axes_argument.hpp"

namespace nativeconc::seam {
namespace {

[[noreturn]] void refuse(py::handle axis, int ndim) {
  const py::object type = py::module_::import("numpy.exceptions").attr("AxisError");
  PyErr_SetObject(type.ptr(), type(axis, ndim).ptr());
  throw py::error_already_set();
}

kernels::AxisSet parse_one(py::handle axis, int ndim) {
  if (PyIndex_Check(axis.ptr()) == 0) {
    PyErr_Format(PyExc_TypeError, "axis must be None, an int or a tuple of ints, not %.100s",
                 Py_TYPE(axis.ptr())->tp_name);
    throw py::error_already_set();
  }
  Py_ssize_t number = PyNumber_AsSsize_t(axis.ptr(), nullptr);  // what is too big is clipped
  if (number == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (ndim == 0 && (number == 0 || number == -1)) return 0;  // as NumPy allows
  if (number < -ndim || number >= ndim) refuse(axis, ndim);
  if (number < 0) number += ndim;
  return kernels::AxisSet{1} << number;
}

}  // namespace

kernels::AxisSet parse_axes(py::handle axis, int ndim) {
  if (axis.is_none()) return kernels::all_axes(ndim);
  if (!py::isinstance<py::tuple>(axis)) return parse_one(axis, ndim);
  kernels::AxisSet axes = 0;
  for (const py::handle each : py::reinterpret_borrow<py::tuple>(axis)) {
    const kernels::AxisSet one = parse_one(each, ndim);
    if ((axes & one) != 0) {
      PyErr_Format(PyExc_ValueError, "duplicate value in 'axis': %R", axis.ptr());
      throw py::error_already_set();
    }
    axes |= one;
  }
  return axes;
}

}  // namespace nativeconc::seam
