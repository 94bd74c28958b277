// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "numpy_array.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace nativeconc::seam {
namespace {

constexpr std::array kAllDtypes = {Dtype::float64, Dtype::float32, Dtype::int64,  Dtype::int32,
                                   Dtype::int16,   Dtype::int8,    Dtype::uint64, Dtype::uint32,
                                   Dtype::uint16,  Dtype::uint8,   Dtype::boolean};

// NumPy's letter for a kind of numbers.
char kind_of(Dtype dtype) {
  return visit_dtype(dtype, [](auto tag) {
    using T = typename decltype(tag)::type;
    if (std::is_same_v<T, bool>) return 'b';
    if (std::is_floating_point_v<T>) return 'f';
    return std::is_signed_v<T> ? 'i' : 'u';
  });
}

std::optional<Dtype> known_dtype(const py::dtype& dtype) {
  for (const Dtype each : kAllDtypes) {
    const bool same_kind = dtype.kind() == kind_of(each);
    if (same_kind && dtype.itemsize() == static_cast<py::ssize_t>(size_of(each))) return each;
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
    case Dtype::int8:
      return "int8";
    case Dtype::int16:
      return "int16";
    case Dtype::int32:
      return "int32";
    case Dtype::int64:
      return "int64";
    case Dtype::uint8:
      return "uint8";
    case Dtype::uint16:
      return "uint16";
    case Dtype::uint32:
      return "uint32";
    case Dtype::uint64:
      return "uint64";
    case Dtype::boolean:
      break;
  }
  return "bool";
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
  const char order = dtype.byteorder();  // '|': single bytes have none
  if (order != '=' && order != '|') refuse(kernel, dtype, " (byte-swapped)", allowed);

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

py::array new_array(Dtype dtype, std::span<const std::int64_t> shape) {
  const py::dtype numpy_dtype =
      visit_dtype(dtype, [](auto tag) { return py::dtype::of<typename decltype(tag)::type>(); });
  return py::array(numpy_dtype, std::vector<py::ssize_t>(shape.begin(), shape.end()));
}

}  // namespace nativeconc::seam
