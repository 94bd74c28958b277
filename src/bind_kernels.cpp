// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The kernels as functions of _core. All arguments are positional: the kernel's own, then threads
// (None or an int) and gil ("release", "hold" or "auto"). Values were checked in
// nativeconc.kernels; what would be dangerous is checked here again.
#include <algorithm>

#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/count_primes.hpp"
#include "nativeconc/kernels/mandelbrot.hpp"
#include "nativeconc/kernels/monte_carlo_pi.hpp"
#include "nativeconc/kernels/simd.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

class MandelbrotCall final : public KernelCall {
 public:
  explicit MandelbrotCall(const kernels::MandelbrotFrame& frame)
      : frame_(frame), image_({frame.height, frame.width}), pixels_(image_.mutable_data()) {}

  // re_lo, re_hi, im_lo, im_hi, width, height, max_iter
  static KernelCall* parse(PyObject* const* args) {
    const auto real = [&](int i) { return py::cast<double>(py::handle(args[i])); };
    const auto extent = [&](int i) {
      return std::max<std::int64_t>(0, py::cast<std::int64_t>(py::handle(args[i])));
    };
    return new MandelbrotCall(
        kernels::mandelbrot_frame(real(0), real(1), real(2), real(3), extent(4), extent(5),
                                  py::cast<std::int32_t>(py::handle(args[6]))));
  }

  double estimated_ns() const override { return kernels::mandelbrot_estimated_ns(frame_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::mandelbrot(frame_, pixels_, execution);
  }
  py::object result() override { return std::move(image_); }

 private:
  kernels::MandelbrotFrame frame_;
  py::array_t<std::int32_t> image_;
  std::int32_t* pixels_;
};

class CountPrimesCall final : public KernelCall {
 public:
  explicit CountPrimesCall(std::int64_t n) : n_(n) {}

  static KernelCall* parse(PyObject* const* args) {
    const auto n = py::cast<std::int64_t>(py::handle(args[0]));
    return new CountPrimesCall(std::min(n, kernels::kCountPrimesLimit));
  }

  double estimated_ns() const override { return kernels::count_primes_estimated_ns(n_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::count_primes(n_, execution, count_);
  }
  py::object result() override { return py::int_(count_); }

 private:
  std::int64_t n_;
  std::int64_t count_ = 0;
};

class MonteCarloPiCall final : public KernelCall {
 public:
  MonteCarloPiCall(std::int64_t n, std::uint64_t seed) : n_(n), seed_(seed) {}

  static KernelCall* parse(PyObject* const* args) {
    const auto n = py::cast<std::int64_t>(py::handle(args[0]));
    return new MonteCarloPiCall(std::clamp<std::int64_t>(n, 1, kernels::kMonteCarloPiLimit),
                                py::cast<std::uint64_t>(py::handle(args[1])));
  }

  double estimated_ns() const override { return kernels::monte_carlo_pi_estimated_ns(n_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::monte_carlo_pi(n_, seed_, execution, pi_);
  }
  py::object result() override { return py::float_(pi_); }

 private:
  std::int64_t n_;
  std::uint64_t seed_;
  double pi_ = 0.0;
};

// name, dtypes, devices, incumbent for each kernel
py::list kernel_table() {
  py::list rows;
  for (const kernels::KernelRow& row : kernels::table()) {
    py::list dtypes;
    for (const Dtype dtype : row.dtypes) dtypes.append(dtype_name(dtype));
    py::list devices;
    devices.append("cpu");
    if (row.on_cuda) devices.append("cuda");
    rows.append(py::make_tuple(row.name, py::tuple(dtypes), py::tuple(devices), row.incumbent));
  }
  return rows;
}

const char* simd_path_name() {
  if (!kernels::simd_problem().empty()) throw py::value_error(kernels::simd_problem());
  return kernels::simd_name(kernels::simd_path());
}

}  // namespace

void bind_kernels(py::module_& m) {
  // Now, not in a first call that may race with another, or with a fork.
  kernels::simd_path();
  static PyMethodDef methods[] = {
      kernel_method<&MandelbrotCall::parse, 7>(
          "mandelbrot",
          "mandelbrot(re_lo, re_hi, im_lo, im_hi, width, height, max_iter, threads, gil)"),
      kernel_method<&CountPrimesCall::parse, 1>("count_primes", "count_primes(n, threads, gil)"),
      kernel_method<&MonteCarloPiCall::parse, 2>("monte_carlo_pi",
                                                 "monte_carlo_pi(n, seed, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
  m.attr("COUNT_PRIMES_LIMIT") = kernels::kCountPrimesLimit;
  m.attr("MONTE_CARLO_PI_LIMIT") = kernels::kMonteCarloPiLimit;
  m.def("kernel_table", &kernel_table);
  m.def("simd_path", &simd_path_name);
  m.def("check_execution", &check_execution, py::arg("threads"), py::arg("gil"));
}

}  // namespace nativeconc::seam
