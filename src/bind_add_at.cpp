// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Adding at indices, as a function of _core. All arguments are positional: the kernel's own, then
// threads and gil. See bind_kernels.cpp.
#include <algorithm>
#include <array>
#include <functional>

#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/add_at.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

constexpr std::array kIndices = {Dtype::int64};
constexpr std::array kWide = {Dtype::float32, Dtype::float64};

// Whether the stretches of memory that two arrays lie in have a byte in common.
bool overlap(const ArrayView& a, const ArrayView& b) {
  struct Stretch {
    const char* begin;
    const char* end;
  };
  const auto stretch = [](const ArrayView& view) {
    const auto* const data = static_cast<const char*>(view.data);
    Stretch out{data, data + size_of(view.dtype)};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(view.ndim); ++axis) {
      const std::int64_t way = (view.shape[axis] - 1) * view.strides[axis];
      (way < 0 ? out.begin : out.end) += way;
    }
    return out;
  };
  if (a.size() == 0 || b.size() == 0) return false;
  const Stretch x = stretch(a);
  const Stretch y = stretch(b);
  return std::less<>{}(x.begin, y.end) && std::less<>{}(y.begin, x.end);
}

// a, indices, b
class AddAtCall final : public KernelCall {
 public:
  explicit AddAtCall(PyObject* const* args)
      : arrays_{py::reinterpret_borrow<py::object>(args[0]),
                py::reinterpret_borrow<py::object>(args[1]),
                py::reinterpret_borrow<py::object>(args[2])},
        target_(view_of(args[0], "add_at", kernels::dtypes_of("add_at"))),
        indices_(view_of(args[1], "add_at's indices", kIndices)),
        b_(view_of(args[2], "add_at", addends())) {
    if (target_.ndim != 1 || indices_.ndim != 1 || b_.ndim > 1) {
      throw py::value_error("add_at's arrays must be one-dimensional");
    }
    if (b_.ndim == 1 && b_.size() != indices_.size()) {
      throw py::value_error("there must be one number for each index, or one for all");
    }
    if (!py::reinterpret_borrow<py::array>(args[0]).writeable()) {
      throw py::value_error("assignment destination is read-only");
    }
    separate(1, indices_);
    separate(2, b_);
  }

  static KernelCall* parse(PyObject* const* args) { return new AddAtCall(args); }

  double estimated_ns() const override { return kernels::add_at_estimated_ns(target_, indices_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::add_at(target_, indices_, b_, execution, bad_);
  }
  py::object result() override {
    if (bad_.found) {
      throw py::index_error("index " + std::to_string(bad_.index) +
                            " is out of bounds for axis 0 with size " +
                            std::to_string(target_.shape[0]));
    }
    return py::none();
  }

 private:
  std::span<const Dtype> addends() const {
    if (target_.dtype == Dtype::float32) return kWide;
    return {&target_.dtype, 1};
  }

  // Reads from a copy what lies in the target's memory.
  void separate(std::size_t which, ArrayView& view) {
    if (!overlap(target_, view)) return;
    arrays_[which] = arrays_[which].attr("copy")();
    const Dtype dtype = view.dtype;
    view = view_of(arrays_[which], "add_at", {&dtype, 1});
  }

  std::array<py::object, 3> arrays_;
  ArrayView target_;
  ArrayView indices_;
  ArrayView b_;
  kernels::BadIndex bad_;
};

}  // namespace

void bind_add_at(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&AddAtCall::parse, 3>("add_at", "add_at(a, indices, b, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
