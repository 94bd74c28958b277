// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "numpy_array.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace nativeconc::seam {
namespace {

std::optional<Dtype> known_dtype(const py::dtype& dtype) {
  switch (dtype.kind()) {
    case 'f':
      if (dtype.itemsize() == 4) return Dtype::float32;
      if (dtype.itemsize() == 8) return Dtype::float64;
      break;
    case 'i':
      if (dtype.itemsize() == 4) return Dtype::int32;
      if (dtype.itemsize() == 8) return Dtype::int64;
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::string listed(std::span<const Dtype> dtypes) {
  std::string text;
  for (const Dtype dtype : dtypes) {
    if (!text.empty()) text += ", ";
    text += dtype_name(dtype);
  }
  return text;
}

[[noreturn]] void refuse(std::string_view kernel, const py::dtype& dtype, const char* remark,
                         std::span<const Dtype> allowed) {
  throw py::type_error(std::string(kernel) + " has no native path for dtype " +
                       std::string(py::str(static_cast<py::handle>(dtype))) + remark +
                       "; it takes arrays of " + listed(allowed) +
                       " in native byte order. Convert with a.astype(...)");
}

}  // namespace

const char* dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32:
      return "float32";
    case Dtype::float64:
      return "float64";
    case Dtype::int32:
      return "int32";
    case Dtype::int64:
      break;
  }
  return "int64";
}

ArrayView view_of(py::handle object, std::string_view kernel, std::span<const Dtype> allowed) {
  if (!py::isinstance<py::array>(object)) {
    throw py::type_error(std::string(kernel) + " takes a numpy.ndarray, not " +
                         Py_TYPE(object.ptr())->tp_name);
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  const py::dtype dtype = array.dtype();
  const std::optional<Dtype> known = known_dtype(dtype);
  const bool is_allowed =
      known && std::find(allowed.begin(), allowed.end(), *known) != allowed.end();
  if (!is_allowed) refuse(kernel, dtype, "", allowed);
  if (dtype.byteorder() != '=') refuse(kernel, dtype, " (byte-swapped)", allowed);

  ArrayView view;
  view.data = array.data();
  view.dtype = *known;
  view.ndim = static_cast<int>(array.ndim());
  for (int i = 0; i < view.ndim; ++i) {
    view.shape[static_cast<std::size_t>(i)] = array.shape(i);
    view.strides[static_cast<std::size_t>(i)] = array.strides(i);
  }
  return view;
}

}  // namespace nativeconc::seam
