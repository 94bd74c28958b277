// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Arrays as sets, as functions of _core. All arguments are positional: the kernel's own, then
// threads and gil. See bind_kernels.cpp.
#include <array>

#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/isin.hpp"
#include "nativeconc/kernels/table.hpp"
#include "nativeconc/kernels/unique.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

std::span<const std::int64_t> shape_of(const ArrayView& view) {
  return std::span(view.shape).first(static_cast<std::size_t>(view.ndim));
}

class UniqueCall final : public KernelCall {
 public:
  // a, return_index, return_inverse, return_counts, equal_nan
  explicit UniqueCall(PyObject* const* args)
      : array_(py::reinterpret_borrow<py::object>(args[0])),
        view_(view_of(args[0], "unique", kernels::dtypes_of("unique"))),
        equal_nan_(args[4] == Py_True) {
    const std::array<std::int64_t, 1> flat = {view_.size()};
    values_ = new_array(view_.dtype, flat);
    results_.values = values_.mutable_data();
    const auto make = [&](PyObject* wanted, std::span<const std::int64_t> shape,
                          py::array& array) -> std::int64_t* {
      if (wanted != Py_True) return nullptr;
      array = new_array(Dtype::int64, shape);
      return static_cast<std::int64_t*>(array.mutable_data());
    };
    results_.index = make(args[1], flat, index_);
    results_.inverse = make(args[2], shape_of(view_), inverse_);
    results_.counts = make(args[3], flat, counts_);
  }

  static KernelCall* parse(PyObject* const* args) { return new UniqueCall(args); }

  double estimated_ns() const override {
    return kernels::unique_estimated_ns(view_,
                                        results_.index != nullptr || results_.inverse != nullptr);
  }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::unique(view_, equal_nan_, execution, results_);
  }
  py::object result() override {
    py::list all;
    all.append(shortened(values_));
    if (results_.index != nullptr) all.append(shortened(index_));
    if (results_.inverse != nullptr) all.append(inverse_);
    if (results_.counts != nullptr) all.append(shortened(counts_));
    if (py::len(all) == 1) return all[0];
    return py::tuple(all);
  }

 private:
  // Gives back the memory behind the first n_unique elements. Nobody else knows the array yet.
  py::array& shortened(py::array& array) const {
    if (array.size() != results_.n_unique) {
      array.attr("resize")(results_.n_unique, py::arg("refcheck") = false);
    }
    return array;
  }

  py::object array_;
  ArrayView view_;
  bool equal_nan_;
  py::array values_, index_, inverse_, counts_;
  kernels::UniqueResults results_;
};

class IsinCall final : public KernelCall {
 public:
  // element, test_elements, invert
  explicit IsinCall(PyObject* const* args)
      : arrays_(py::make_tuple(py::handle(args[0]), py::handle(args[1]))),
        element_(view_of(args[0], "isin", kernels::dtypes_of("isin"))),
        tests_(view_of(args[1], "isin", kernels::dtypes_of("isin"))),
        invert_(args[2] == Py_True),
        found_(new_array(Dtype::boolean, shape_of(element_))),
        out_(static_cast<bool*>(found_.mutable_data())) {
    if (element_.dtype != tests_.dtype) {
      throw py::type_error("element and test_elements must have one dtype");
    }
  }

  static KernelCall* parse(PyObject* const* args) { return new IsinCall(args); }

  double estimated_ns() const override { return kernels::isin_estimated_ns(element_, tests_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::isin(element_, tests_, invert_, execution, out_);
  }
  py::object result() override { return std::move(found_); }

 private:
  py::tuple arrays_;
  ArrayView element_;
  ArrayView tests_;
  bool invert_;
  py::array found_;
  bool* out_;
};

}  // namespace

void bind_sets(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&UniqueCall::parse, 5>(
          "unique",
          "unique(a, return_index, return_inverse, return_counts, equal_nan, threads, gil)"),
      kernel_method<&IsinCall::parse, 3>("isin",
                                         "isin(element, test_elements, invert, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
