// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "kernel_call.hpp"

#include <cfenv>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "errors.hpp"
#include "nativeconc/kernels/simd.hpp"
#include "threads_argument.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

// Below this, gil="auto" keeps the GIL: getting it back can cost far more than the work.
constexpr double kHoldBelowNs = 30'000.0;
// Below this, waking the pool costs more than it gains.
constexpr double kAloneBelowNs = 100'000.0;
// Below this, a run is over long before anybody could want to stop it.
constexpr double kUnstoppableBelowNs = 1'000'000.0;

enum class GilMode { release, hold, automatic };

GilMode parse_gil(py::handle gil) {
  if (PyUnicode_Check(gil.ptr()) == 0) {
    PyErr_Format(PyExc_TypeError, "gil must be 'release', 'hold' or 'auto', not %.100s",
                 Py_TYPE(gil.ptr())->tp_name);
    throw py::error_already_set();
  }
  if (PyUnicode_CompareWithASCIIString(gil.ptr(), "auto") == 0) return GilMode::automatic;
  if (PyUnicode_CompareWithASCIIString(gil.ptr(), "release") == 0) return GilMode::release;
  if (PyUnicode_CompareWithASCIIString(gil.ptr(), "hold") == 0) return GilMode::hold;
  PyErr_Format(PyExc_ValueError, "gil must be 'release', 'hold' or 'auto', not %R", gil.ptr());
  throw py::error_already_set();
}

struct Options {
  GilMode gil;
  int threads;
};

Options parse_options(py::handle threads, py::handle gil) {
  const GilMode mode = parse_gil(gil);
  if (mode != GilMode::hold) return {mode, resolve_threads(threads)};
  if (!threads.is_none() && resolve_threads(threads) != 1) {
    PyErr_Format(PyExc_ValueError,
                 "gil='hold' runs on the calling thread alone: threads must be 1 or None, not %S",
                 threads.ptr());
    throw py::error_already_set();
  }
  return {mode, 1};
}

class Run {
 public:
  Run(std::unique_ptr<KernelCall> call, const Options& options)
      : call_(std::move(call)),
        threads_(options.threads),
        keep_gil_(options.gil == GilMode::hold),
        cost_ns_(call_->estimated_ns()),
        cancellation_(cost_ns_ >= kUnstoppableBelowNs && is_main_thread() ? &Run::poll : nullptr,
                      this) {
    if (cost_ns_ < kAloneBelowNs) threads_ = 1;
    if (options.gil == GilMode::automatic && cost_ns_ < kHoldBelowNs) keep_gil_ = true;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  bool keep_gil() const { return keep_gil_; }

  // With the GIL or without it. Keeps what is thrown for finish().
  [[gnu::noinline]] void execute() {
    // The caller's rounding or flushing of small numbers must not show in the result.
    std::fegetenv(&callers_mode_);
    std::fesetenv(FE_DFL_ENV);
    try {
      outcome_ = call_->run({threads_, &cancellation_});
    } catch (const std::exception&) {
      // Not (...): that would also catch the unwinding that ends a thread.
      failure_ = std::current_exception();
    }
    std::fesetenv(&callers_mode_);
  }

  // A new reference, or null with a Python error set.
  [[gnu::noinline]] PyObject* finish() {
    if (PyErr_Occurred() != nullptr) return nullptr;  // a signal handler raised
    try {
      if (failure_) std::rethrow_exception(failure_);
      if (outcome_ == pool::Outcome::cancelled) throw std::runtime_error("the kernel was stopped");
      return call_->result().release().ptr();
    } catch (...) {
      set_error_from_current_exception();
      return nullptr;
    }
  }

  PyThreadState* thread_state = nullptr;  // saved while the GIL is released

 private:
  // Only ever called on the main thread, which is never ended by asking for the GIL.
  static bool poll(void* context) {
    Run* const run = static_cast<Run*>(context);
    std::fesetenv(&run->callers_mode_);
    if (!run->keep_gil_) PyEval_RestoreThread(run->thread_state);
    const bool raised = PyErr_CheckSignals() != 0;
    if (!run->keep_gil_) run->thread_state = PyEval_SaveThread();
    std::fegetenv(&run->callers_mode_);
    std::fesetenv(FE_DFL_ENV);
    return raised;
  }

  std::unique_ptr<KernelCall> call_;
  int threads_;
  bool keep_gil_;
  double cost_ns_;
  pool::Cancellation cancellation_;
  pool::Outcome outcome_ = pool::Outcome::done;
  std::exception_ptr failure_;
  std::fenv_t callers_mode_;
};

// Null with a Python error set if the arguments are wrong.
[[gnu::noinline]] Run* prepare(ParseKernelCall parse, Py_ssize_t n_own, PyObject* const* args,
                               Py_ssize_t n_args) {
  try {
    if (n_args != n_own + 2) {
      throw py::type_error("expected " + std::to_string(n_own + 2) + " arguments, got " +
                           std::to_string(n_args));
    }
    if (!kernels::simd_problem().empty()) throw py::value_error(kernels::simd_problem());
    const Options options = parse_options(args[n_own], args[n_own + 1]);
    return new Run(std::unique_ptr<KernelCall>(parse(args)), options);
  } catch (...) {
    set_error_from_current_exception();
    return nullptr;
  }
}

}  // namespace

// Straight-line code, by design: see kernel_call.hpp.
PyObject* call_kernel(ParseKernelCall parse, Py_ssize_t n_own, PyObject* const* args,
                      Py_ssize_t n_args) {
  Run* const run = prepare(parse, n_own, args, n_args);
  if (run == nullptr) return nullptr;
  if (run->keep_gil()) {
    run->execute();
  } else {
    run->thread_state = PyEval_SaveThread();
    run->execute();
    PyEval_RestoreThread(run->thread_state);
  }
  PyObject* const result = run->finish();
  delete run;
  return result;
}

void check_execution(py::handle threads, py::handle gil) { parse_options(threads, gil); }

}  // namespace nativeconc::seam
