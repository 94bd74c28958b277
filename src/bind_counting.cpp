// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Histograms, as functions of _core. All arguments are positional: the kernel's own, then threads
// and gil. See bind_kernels.cpp.
#include <array>
#include <optional>

#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/both_ends.hpp"
#include "nativeconc/kernels/histogram.hpp"
#include "nativeconc/kernels/strided_walk.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

constexpr std::array kEvenEdges = {Dtype::float64};
constexpr std::array kUnevenEdges = {Dtype::float64, Dtype::int64, Dtype::uint64};

bool is_real(Dtype dtype) { return dtype == Dtype::float32 || dtype == Dtype::float64; }

// An integer that stands for an element of the dtype, as the core takes it.
std::int64_t element_bits(py::handle number, Dtype dtype) {
  if (dtype != Dtype::uint64) return py::cast<std::int64_t>(number);
  return static_cast<std::int64_t>(py::cast<std::uint64_t>(number));
}

py::object element_object(std::int64_t bits, Dtype dtype) {
  if (dtype != Dtype::uint64) return py::int_(bits);
  return py::int_(static_cast<std::uint64_t>(bits));
}

class ExtremesCall final : public KernelCall {
 public:
  explicit ExtremesCall(py::handle array)
      : array_(py::reinterpret_borrow<py::object>(array)),
        view_(view_of(array, "histogram", kernels::dtypes_of("histogram"))) {
    if (view_.size() == 0) throw py::value_error("an empty array has no extremes");
  }

  static KernelCall* parse(PyObject* const* args) { return new ExtremesCall(args[0]); }

  double estimated_ns() const override { return kernels::extremes_estimated_ns(view_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::extremes(view_, execution, ends_);
  }
  py::object result() override {
    if (is_real(view_.dtype)) return py::make_tuple(ends_.low_real, ends_.high_real);
    return py::make_tuple(element_object(ends_.low, view_.dtype),
                          element_object(ends_.high, view_.dtype));
  }

 private:
  py::object array_;
  ArrayView view_;
  kernels::Extremes ends_;
};

// What both kinds of bins have in common: elements, weights or None, edges, result.
class HistogramCall : public KernelCall {
 public:
  HistogramCall(PyObject* const* args, std::span<const Dtype> edge_dtypes)
      : arrays_{py::reinterpret_borrow<py::object>(args[0]),
                py::reinterpret_borrow<py::object>(args[1]),
                py::reinterpret_borrow<py::object>(args[2])},
        view_(view_of(args[0], "histogram", kernels::dtypes_of("histogram"))),
        edges_(view_of(args[2], "histogram", edge_dtypes)) {
    if (edges_.ndim != 1 || !kernels::StridedWalk(edges_).is_contiguous()) {
      throw py::value_error("the edges must be one contiguous row");
    }
    if (n_edges() > kernels::BinFinder::kMaxBins) throw py::value_error("too many bins");
    Dtype out = Dtype::int64;
    if (args[1] != Py_None) {
      weights_ = view_of(args[1], "histogram", kernels::dtypes_of("histogram"));
      if (view_.ndim != 1 || weights_->ndim != 1 || view_.size() != weights_->size()) {
        throw py::value_error("weights should have the same shape as a.");
      }
      out = weights_->dtype;
    }
    const std::array<std::int64_t, 1> shape = {std::max<std::int64_t>(n_edges() - 1, 0)};
    sums_ = new_array(out, shape);
    out_ = sums_.mutable_data();
  }

  py::object result() override { return std::move(sums_); }

 protected:
  std::int64_t n_edges() const { return edges_.shape[0]; }
  const ArrayView& view() const { return view_; }
  const ArrayView& edges() const { return edges_; }
  const ArrayView* weights() const { return weights_ ? &*weights_ : nullptr; }
  void* out() const { return out_; }

 private:
  std::array<py::object, 3> arrays_;
  ArrayView view_;
  ArrayView edges_;
  std::optional<ArrayView> weights_;
  py::array sums_;
  void* out_;
};

// a, weights, edges, span, single, single_quotient, low, high; low is None if nothing is left out
class EvenHistogramCall final : public HistogramCall {
 public:
  explicit EvenHistogramCall(PyObject* const* args) : HistogramCall(args, kEvenEdges) {
    if (n_edges() < 2) throw py::value_error("even bins have two edges at least");
    bins_.edges = {static_cast<const double*>(edges().data), static_cast<std::size_t>(n_edges())};
    bins_.span = py::cast<double>(py::handle(args[3]));
    bins_.single = py::cast<bool>(py::handle(args[4]));
    bins_.single_quotient = py::cast<bool>(py::handle(args[5]));
    bins_.bounded = args[6] != Py_None;
    if (!bins_.bounded) return;
    if (is_real(view().dtype)) {
      bins_.low_real = py::cast<double>(py::handle(args[6]));
      bins_.high_real = py::cast<double>(py::handle(args[7]));
    } else {
      bins_.low = element_bits(args[6], view().dtype);
      bins_.high = element_bits(args[7], view().dtype);
    }
  }

  static KernelCall* parse(PyObject* const* args) { return new EvenHistogramCall(args); }

  double estimated_ns() const override {
    return kernels::histogram_estimated_ns(view(), n_edges(), true);
  }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::histogram(view(), bins_, weights(), execution, out());
  }

 private:
  kernels::EvenBins bins_;
};

// a, weights, edges
class UnevenHistogramCall final : public HistogramCall {
 public:
  explicit UnevenHistogramCall(PyObject* const* args) : HistogramCall(args, kUnevenEdges) {
    if (n_edges() < 1) throw py::value_error("there must be an edge");
    bins_.dtype = edges().dtype;
    bins_.edges = edges().data;
    bins_.n_edges = n_edges();
  }

  static KernelCall* parse(PyObject* const* args) { return new UnevenHistogramCall(args); }

  double estimated_ns() const override {
    return kernels::histogram_estimated_ns(view(), n_edges(), false);
  }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::histogram(view(), bins_, weights(), execution, out());
  }

 private:
  kernels::UnevenBins bins_;
};

}  // namespace

void bind_counting(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&ExtremesCall::parse, 1>("extremes", "extremes(a, threads, gil)"),
      kernel_method<&EvenHistogramCall::parse, 8>(
          "histogram_even",
          "histogram_even(a, weights, edges, span, single, single_quotient, low, high, threads, "
          "gil)"),
      kernel_method<&UnevenHistogramCall::parse, 3>(
          "histogram_uneven", "histogram_uneven(a, weights, edges, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
