// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The module's entry point: refuses sub-interpreters before anything else runs. The module's types
// and exceptions exist once in the process.
//
// pybind11 alone is not enough: on 3.11 its preparations deadlock in a sub-interpreter (PyGILState
// knows only the main one), and on later versions it lets in those that share the main
// interpreter's GIL.
#include "bindings.hpp"

extern "C" PyObject* PyInit_core_of_main_interpreter();  // PYBIND11_MODULE in module.cpp

namespace nativeconc::seam {
namespace {

constexpr const char* kRefusal =
    "nativeconc cannot be used in a sub-interpreter; import it in the main one";

bool in_sub_interpreter() { return PyInterpreterState_Get() != PyInterpreterState_Main(); }

}  // namespace

// 3.13 calls the entry point in the main interpreter, whoever imports, and only then fills the
// module.
void refuse_sub_interpreters() {
  if (in_sub_interpreter()) throw py::import_error(kRefusal);
}

}  // namespace nativeconc::seam

extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  using namespace nativeconc::seam;
  if (in_sub_interpreter()) {
    PyErr_SetString(PyExc_ImportError, kRefusal);
    return nullptr;
  }
  return PyInit_core_of_main_interpreter();
}
