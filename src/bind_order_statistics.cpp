// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The elements of given ranks, from which Python makes medians and quantiles, and partitions at
// such ranks, as functions of _core. All arguments are positional: the kernel's own, then threads
// and gil. See bind_kernels.cpp.
#include <algorithm>
#include <string>
#include <vector>

#include "axis_argument.hpp"
#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/order_statistics.hpp"
#include "nativeconc/kernels/partition.hpp"
#include "nativeconc/kernels/row_major.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

// A tuple of ranks that rise, each inside the axis.
std::vector<std::int64_t> parse_ranks(py::handle given, const ArrayView& view, int axis) {
  auto ranks = py::cast<std::vector<std::int64_t>>(given);
  const std::int64_t length = kernels::lane_length(view, axis);
  const bool in_range = std::all_of(ranks.begin(), ranks.end(),
                                    [&](std::int64_t rank) { return rank >= 0 && rank < length; });
  if (!in_range || !std::is_sorted(ranks.begin(), ranks.end())) {
    throw py::value_error("ranks must rise and lie inside the axis");
  }
  return ranks;
}

class OrderStatisticsCall final : public KernelCall {
 public:
  // a, axis, ranks, name of the kernel
  explicit OrderStatisticsCall(PyObject* const* args)
      : array_(py::reinterpret_borrow<py::object>(args[0])) {
    const auto name = py::cast<std::string>(py::handle(args[3]));
    view_ = view_of(args[0], name, kernels::dtypes_of(name));
    axis_ = parse_axis(args[1], view_.ndim);
    ranks_ = parse_ranks(args[2], view_, axis_);
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

class PartitionCall final : public KernelCall {
 public:
  // a, axis, ranks
  explicit PartitionCall(PyObject* const* args)
      : array_(py::reinterpret_borrow<py::object>(args[0])),
        view_(view_of(args[0], "partition", kernels::dtypes_of("partition"))),
        axis_(parse_axis(args[1], view_.ndim)),
        ranks_(parse_ranks(args[2], view_, axis_)),
        partitioned_(new_lanes(view_.dtype, view_, axis_)),
        out_(partitioned_.mutable_data()) {}

  static KernelCall* parse(PyObject* const* args) { return new PartitionCall(args); }

  double estimated_ns() const override {
    return kernels::partition_estimated_ns(view_, axis_, static_cast<std::int64_t>(ranks_.size()));
  }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::partition(view_, axis_, ranks_, execution, out_);
  }
  py::object result() override { return with_axis_back(std::move(partitioned_), axis_); }

 private:
  py::object array_;
  ArrayView view_;
  int axis_;
  std::vector<std::int64_t> ranks_;
  py::array partitioned_;
  void* out_;
};

}  // namespace

void bind_order_statistics(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&OrderStatisticsCall::parse, 4>(
          "order_statistics", "order_statistics(a, axis, ranks, kernel, threads, gil)"),
      kernel_method<&PartitionCall::parse, 3>("partition",
                                              "partition(a, axis, ranks, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
