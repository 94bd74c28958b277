// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Sums, means, extremes and the like along axes, as functions of _core. All arguments are
// positional: the array, axis, keepdims, for variances ddof, then threads and gil.
#include <vector>

#include "axes_argument.hpp"
#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/extremes.hpp"
#include "nativeconc/kernels/mean.hpp"
#include "nativeconc/kernels/sum.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

// What all reductions share: the array, the axes, the result.
class ReductionCall : public KernelCall {
 public:
  ReductionCall(PyObject* const* args, const char* kernel)
      : array_(py::reinterpret_borrow<py::object>(args[0])),
        view_(view_of(args[0], kernel, kernels::dtypes_of(kernel))),
        reduced_(parse_axes(args[1], view_.ndim)),
        keep_dims_(PyObject_IsTrue(args[2]) == 1) {
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  }

  double estimated_ns() const override {
    constexpr double kForEachLine = 20.0;
    return passes_ * kernels::reduction_estimated_ns(view_) +
           kForEachLine * static_cast<double>(result_.size());
  }

  py::object result() override {
    if (warns_ && PyErr_WarnEx(PyExc_RuntimeWarning, warning_, 2) != 0) {
      throw py::error_already_set();
    }
    if (result_.ndim() == 0) return result_[py::tuple()];  // a scalar
    return std::move(result_);
  }

 protected:
  void make_result(Dtype dtype) {
    std::vector<std::int64_t> shape;
    for (std::size_t i = 0; i < static_cast<std::size_t>(view_.ndim); ++i) {
      const bool is_reduced = (reduced_ >> i & 1) != 0;
      if (is_reduced && view_.shape[i] == 0) is_empty_ = true;
      if (!is_reduced || keep_dims_) shape.push_back(is_reduced ? 1 : view_.shape[i]);
    }
    result_ = new_array(dtype, shape);
    out_ = result_.mutable_data();
  }

  py::object array_;
  ArrayView view_;
  kernels::AxisSet reduced_;
  bool keep_dims_;
  bool is_empty_ = false;  // lines have no elements
  py::array result_;
  void* out_ = nullptr;
  double passes_ = 1.0;  // how often the array is read
  bool warns_ = false;
  const char* warning_ = nullptr;
};

class SumCall final : public ReductionCall {
 public:
  SumCall(PyObject* const* args, bool skip_nan)
      : ReductionCall(args, skip_nan ? "nansum" : "sum"), skip_nan_(skip_nan) {
    make_result(kernels::sum_dtype(view_.dtype));
  }

  template <bool kSkipNan>
  static KernelCall* parse(PyObject* const* args) {
    return new SumCall(args, kSkipNan);
  }

  pool::Outcome run(const pool::Execution& execution) override {
    return skip_nan_ ? kernels::nansum(view_, reduced_, execution, out_)
                     : kernels::sum(view_, reduced_, execution, out_);
  }

 private:
  bool skip_nan_;
};

class MeanCall final : public ReductionCall {
 public:
  MeanCall(PyObject* const* args, bool skip_nan)
      : ReductionCall(args, skip_nan ? "nanmean" : "mean") {
    options_.skip_nan = skip_nan;
    if (skip_nan) passes_ = 2.0;
    warning_ = "Mean of empty slice";
    make_result(kernels::mean_dtype(view_.dtype));
  }

  template <bool kSkipNan>
  static KernelCall* parse(PyObject* const* args) {
    return new MeanCall(args, kSkipNan);
  }

  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::mean(view_, reduced_, options_, execution, out_, &warns_);
  }

 private:
  kernels::MeanOptions options_;
};

class VarianceCall final : public ReductionCall {
 public:
  VarianceCall(PyObject* const* args, const char* kernel, const kernels::MeanOptions& options)
      : ReductionCall(args, kernel), options_(options) {
    options_.ddof = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    passes_ = options.skip_nan ? 3.0 : 2.0;
    // With and without the full stop, as NumPy says it.
    warning_ = options.skip_nan ? "Degrees of freedom <= 0 for slice."
                                : "Degrees of freedom <= 0 for slice";
    make_result(kernels::mean_dtype(view_.dtype));
  }

  template <bool kSkipNan, bool kSquareRoot>
  static KernelCall* parse(PyObject* const* args) {
    constexpr const char* kName =
        kSkipNan ? (kSquareRoot ? "nanstd" : "nanvar") : (kSquareRoot ? "std" : "var");
    return new VarianceCall(args, kName, {kSkipNan, 0.0, kSquareRoot});
  }

  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::variance(view_, reduced_, options_, execution, out_, &warns_);
  }

 private:
  kernels::MeanOptions options_;
};

class ExtremeCall final : public ReductionCall {
 public:
  ExtremeCall(PyObject* const* args, const char* kernel, const kernels::ExtremeOptions& options)
      : ReductionCall(args, kernel), options_(options) {
    warning_ = "All-NaN slice encountered";
    make_result(view_.dtype);
    if (is_empty_) {
      PyErr_Format(PyExc_ValueError,
                   "zero-size array to reduction operation %s, which has no identity: "
                   "give it at least one element along each axis, or initial=",
                   kernel);
      throw py::error_already_set();
    }
  }

  template <bool kLargest, bool kSkipNan>
  static KernelCall* parse(PyObject* const* args) {
    constexpr const char* kName =
        kLargest ? (kSkipNan ? "nanmax" : "max") : (kSkipNan ? "nanmin" : "min");
    return new ExtremeCall(args, kName, {kLargest, kSkipNan});
  }

  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::extreme(view_, reduced_, options_, execution, out_, &warns_);
  }

 private:
  kernels::ExtremeOptions options_;
};

}  // namespace

void bind_reductions(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&SumCall::parse<false>, 3>("sum", "sum(a, axis, keepdims, threads, gil)"),
      kernel_method<&SumCall::parse<true>, 3>("nansum", "as sum"),
      kernel_method<&MeanCall::parse<false>, 3>("mean", "mean(a, axis, keepdims, threads, gil)"),
      kernel_method<&MeanCall::parse<true>, 3>("nanmean", "as mean"),
      kernel_method<&VarianceCall::parse<false, false>, 4>(
          "var", "var(a, axis, keepdims, ddof, threads, gil)"),
      kernel_method<&VarianceCall::parse<false, true>, 4>("std", "as var"),
      kernel_method<&VarianceCall::parse<true, false>, 4>("nanvar", "as var"),
      kernel_method<&VarianceCall::parse<true, true>, 4>("nanstd", "as var"),
      kernel_method<&ExtremeCall::parse<false, false>, 3>("min",
                                                          "min(a, axis, keepdims, threads, gil)"),
      kernel_method<&ExtremeCall::parse<true, false>, 3>("max", "as min"),
      kernel_method<&ExtremeCall::parse<false, true>, 3>("nanmin", "as min"),
      kernel_method<&ExtremeCall::parse<true, true>, 3>("nanmax", "as min"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
