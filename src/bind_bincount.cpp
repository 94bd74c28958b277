// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Counting numbers, as a function of _core. All arguments are positional: the kernel's own, then
// threads and gil. See bind_kernels.cpp.
#include <array>
#include <cstring>
#include <optional>

#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/bincount.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

constexpr std::array kWeights = {Dtype::float32, Dtype::float64, Dtype::boolean, Dtype::int8,
                                 Dtype::int16,   Dtype::int32,   Dtype::int64,   Dtype::uint8,
                                 Dtype::uint16,  Dtype::uint32,  Dtype::uint64};

// x, weights or None, minlength
class BincountCall final : public KernelCall {
 public:
  explicit BincountCall(PyObject* const* args)
      : arrays_{py::reinterpret_borrow<py::object>(args[0]),
                py::reinterpret_borrow<py::object>(args[1])},
        view_(view_of(args[0], "bincount", kernels::dtypes_of("bincount"))),
        minlength_(PyNumber_AsSsize_t(args[2], PyExc_OverflowError)) {
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    if (minlength_ < 0) throw py::value_error("'minlength' must not be negative");
    if (view_.ndim != 1) throw py::value_error("x must be one-dimensional");
    if (args[1] == Py_None) return;
    weights_ = view_of(args[1], "bincount", kWeights);
    if (view_.size() == 0) {
      weights_.reset();  // NumPy then counts, and the result is of integers
    } else if (weights_->ndim != 1 || weights_->size() != view_.size()) {
      throw py::value_error("The weights and list don't have the same length.");
    }
  }

  static KernelCall* parse(PyObject* const* args) { return new BincountCall(args); }

  double estimated_ns() const override {
    return kernels::bincount_estimated_ns(view_, weights_.has_value(), minlength_);
  }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::bincount(view_, weights_ ? &*weights_ : nullptr, minlength_, execution, out_);
  }
  py::object result() override {
    if (out_.negative) throw py::value_error("'list' argument must have no negative elements");
    if (out_.too_large) {
      throw py::value_error(
          "an element is too large: there is one result for each number up to it");
    }
    return weights_ ? numbers<double>() : numbers<std::int64_t>();
  }

 private:
  template <class Number>
  py::object numbers() {
    constexpr std::int64_t kCopied = 8192;  // up to here a copy is cheaper than an owner
    const auto* const data = static_cast<const Number*>(out_.numbers.get());
    if (out_.n <= kCopied) return py::array_t<Number>(out_.n, data);
    const py::capsule owner(out_.numbers.get(), [](void* memory) { std::free(memory); });
    out_.numbers.release();
    return py::array_t<Number>(out_.n, data, owner);
  }

  std::array<py::object, 2> arrays_;
  ArrayView view_;
  std::optional<ArrayView> weights_;
  std::int64_t minlength_;
  kernels::Bincount out_;
};

}  // namespace

void bind_bincount(py::module_& m) {
  static PyMethodDef methods[] = {kernel_method<&BincountCall::parse, 3>(
                                      "bincount", "bincount(x, weights, minlength, threads, gil)"),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
