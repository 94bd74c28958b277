// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One call of a kernel from Python: where the GIL is let go, how signals stop the run, and what
// becomes of threads= and gil=.
//
// A call has four steps, and only the second runs without the GIL:
//   1. prepare  parse the arguments into a KernelCall on the heap, which holds references to all it
//   uses
//   2. execute  run the kernel; pure C++
//   3. finish   make the Python result, or raise
//   4. delete the KernelCall
// Nothing with a destructor lives in the frame that asks for the GIL back: if the interpreter has
// shut down meanwhile, that frame never returns (python.hpp) and the KernelCall is lost, which is
// harmless.
//
// All functions here need the GIL.
#pragma once

#include "nativeconc/pool/execution.hpp"
#include "python.hpp"

namespace nativeconc::seam {

class KernelCall {
 public:
  KernelCall() = default;
  KernelCall(const KernelCall&) = delete;
  KernelCall& operator=(const KernelCall&) = delete;
  virtual ~KernelCall() = default;

  // A rough single-thread cost, to choose where to run.
  virtual double estimated_ns() const = 0;
  // Without the GIL: may touch no Python object. May throw.
  virtual pool::Outcome run(const pool::Execution& execution) = 0;
  // The Python value of a run that is done. May throw.
  virtual py::object result() = 0;
};

// Parses the arguments that belong to the kernel itself. May throw.
using ParseKernelCall = KernelCall* (*)(PyObject* const* args);

// Runs a kernel. args holds the kernel's own n_own arguments, then threads and gil.
PyObject* call_kernel(ParseKernelCall parse, Py_ssize_t n_own, PyObject* const* args,
                      Py_ssize_t n_args);

// The same as a METH_FASTCALL function.
template <ParseKernelCall parse, Py_ssize_t n_own>
PyObject* kernel_entry(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
  return call_kernel(parse, n_own, args, n_args);
}

// The same as an entry in a module's list of functions.
template <ParseKernelCall parse, Py_ssize_t n_own>
PyMethodDef kernel_method(const char* name, const char* doc) {
  return {name,
          reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&kernel_entry<parse, n_own>)),
          METH_FASTCALL, doc};
}

// Raises what call_kernel() would for these values of threads= and gil=.
void check_execution(py::handle threads, py::handle gil);

}  // namespace nativeconc::seam
