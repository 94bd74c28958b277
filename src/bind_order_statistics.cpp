// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The elements of given ranks, as a function of _core: the median is made from them in
// Python. All arguments are positional: the kernel's own, then threads and gil. See
// bind_kernels.cpp.
#include <algorithm>
#include <string>
#include <vector>

#include "axis_argument.hpp"
#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/order_statistics.hpp"
#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

class OrderStatisticsCall final : public KernelCall {
 public:
  // a, axis, ranks (a tuple that rises; from 0 to the length of the axis - 1), name of the kernel
  explicit OrderStatisticsCall(PyObject* const* args)
      : array_(py::reinterpret_borrow<py::object>(args[0])) {
    const auto name = py::cast<std::string>(py::handle(args[3]));
    view_ = view_of(args[0], name, kernels::dtypes_of(name));
    axis_ = parse_axis(args[1], view_.ndim);
    ranks_ = py::cast<std::vector<std::int64_t>>(py::handle(args[2]));
    const std::int64_t length = kernels::lane_length(view_, axis_);
    const bool in_range = std::all_of(ranks_.begin(), ranks_.end(), [&](std::int64_t rank) {
      return rank >= 0 && rank < length;
    });
    if (!in_range || !std::is_sorted(ranks_.begin(), ranks_.end())) {
      throw py::value_error("ranks must rise and lie inside the axis");
    }
    std::vector<std::int64_t> shape;
    for (int i = 0; i < view_.ndim; ++i) {
      if (i != axis_ && axis_ != kernels::kFlat) {
        shape.push_back(view_.shape[static_cast<std::size_t>(i)]);
      }
    }
    shape.push_back(static_cast<std::int64_t>(ranks_.size()));
    elements_ = new_array(view_.dtype, shape);
    out_ = elements_.mutable_data();
  }

  static KernelCall* parse(PyObject* const* args) { return new OrderStatisticsCall(args); }

  double estimated_ns() const override { return kernels::order_statistics_estimated_ns(view_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::order_statistics(view_, axis_, ranks_, execution, out_);
  }
  py::object result() override { return std::move(elements_); }

 private:
  py::object array_;
  ArrayView view_;
  int axis_ = 0;
  std::vector<std::int64_t> ranks_;
  py::array elements_;
  void* out_ = nullptr;
};

}  // namespace

void bind_order_statistics(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&OrderStatisticsCall::parse, 4>(
          "order_statistics", "order_statistics(a, axis, ranks, kernel, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
