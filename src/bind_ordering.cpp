// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sorting and searching, as functions of _core. All arguments are positional: the kernel's own,
// then threads and gil. See bind_kernels.cpp.
#include "axis_argument.hpp"
#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/argsort.hpp"
#include "nativeconc/kernels/searchsorted.hpp"
#include "nativeconc/kernels/sort.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

class SortCall final : public KernelCall {
 public:
  SortCall(py::handle array, py::handle axis)
      : array_(py::reinterpret_borrow<py::object>(array)),
        view_(view_of(array, "sort", kernels::dtypes_of("sort"))),
        axis_(parse_axis(axis, view_.ndim)),
        sorted_(new_lanes(view_.dtype, view_, axis_)),
        elements_(sorted_.mutable_data()) {}

  static KernelCall* parse(PyObject* const* args) { return new SortCall(args[0], args[1]); }

  double estimated_ns() const override { return kernels::sort_estimated_ns(view_, axis_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::sort(view_, axis_, execution, elements_);
  }
  py::object result() override { return with_axis_back(std::move(sorted_), axis_); }

 private:
  py::object array_;
  ArrayView view_;
  int axis_;
  py::array sorted_;
  void* elements_;
};

class ArgsortCall final : public KernelCall {
 public:
  ArgsortCall(py::handle array, py::handle axis)
      : array_(py::reinterpret_borrow<py::object>(array)),
        view_(view_of(array, "argsort", kernels::dtypes_of("argsort"))),
        axis_(parse_axis(axis, view_.ndim)),
        order_(new_lanes(Dtype::int64, view_, axis_)),
        indices_(static_cast<std::int64_t*>(order_.mutable_data())) {}

  static KernelCall* parse(PyObject* const* args) { return new ArgsortCall(args[0], args[1]); }

  double estimated_ns() const override { return kernels::argsort_estimated_ns(view_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::argsort(view_, axis_, execution, indices_);
  }
  py::object result() override { return with_axis_back(std::move(order_), axis_); }

 private:
  py::object array_;
  ArrayView view_;
  int axis_;
  py::array order_;
  std::int64_t* indices_;
};

class SearchsortedCall final : public KernelCall {
 public:
  SearchsortedCall(py::handle array, py::handle wanted, bool right, py::handle sorter)
      : arrays_(py::make_tuple(array, wanted, sorter)),
        wanted_(view_of(wanted, "searchsorted", kernels::dtypes_of("searchsorted"))),
        right_(right) {
    sorted_.values = view_of(array, "searchsorted", kernels::dtypes_of("searchsorted"));
    if (sorted_.values.ndim != 1) throw py::value_error("a must have one dimension");
    if (sorted_.values.dtype != wanted_.dtype) throw py::type_error("a and v must have one dtype");
    if (!sorter.is_none()) {
      constexpr Dtype kIndex[] = {Dtype::int64};
      const ArrayView order = view_of(sorter, "sorter of searchsorted", kIndex);
      if (order.ndim != 1 || order.shape[0] != sorted_.values.shape[0]) {
        throw py::value_error("sorter.size must equal a.size");
      }
      sorted_.order = static_cast<const unsigned char*>(order.data);
      sorted_.order_stride = order.strides[0];
    }
    positions_ = new_array(Dtype::int64,
                           std::span(wanted_.shape).first(static_cast<std::size_t>(wanted_.ndim)));
    out_ = static_cast<std::int64_t*>(positions_.mutable_data());
  }

  static KernelCall* parse(PyObject* const* args) {
    return new SearchsortedCall(args[0], args[1], args[2] == Py_True, args[3]);
  }

  double estimated_ns() const override {
    return kernels::searchsorted_estimated_ns(sorted_.values, wanted_);
  }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::searchsorted(sorted_, wanted_, right_, execution, out_, bad_order_);
  }
  py::object result() override {
    if (bad_order_) throw py::value_error("Sorter index out of range.");
    if (wanted_.ndim == 0) return positions_[py::tuple()];  // a NumPy scalar
    return std::move(positions_);
  }

 private:
  py::tuple arrays_;
  kernels::SortedArray sorted_;
  ArrayView wanted_;
  bool right_;
  py::array positions_;
  std::int64_t* out_;
  bool bad_order_ = false;
};

}  // namespace

void bind_ordering(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&SortCall::parse, 2>("sort", "sort(a, axis, threads, gil)"),
      kernel_method<&ArgsortCall::parse, 2>("argsort", "argsort(a, axis, threads, gil)"),
      kernel_method<&SearchsortedCall::parse, 4>("searchsorted",
                                                 "searchsorted(a, v, right, sorter, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
