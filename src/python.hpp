// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The only header that includes Python and pybind11.
//
// What goes where in the seam:
//   - hot objects (locks) are CPython heap types: a pybind11 class costs several times as much a
//   call;
//   - whatever releases the GIL is a plain PyCFunction. When a daemon thread asks for the GIL back
//   while the
//     interpreter shuts down, CPython ends that thread inside PyEval_RestoreThread by unwinding its
//     stack. On that stack there must be no destructor that needs the GIL, no noexcept and no catch
//     (...), and pybind11's dispatcher has all three;
//   - everything else may use pybind11.
#pragma once

// clang-format off: Python.h must come first
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <pybind11/pybind11.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
// clang-format on

namespace py = pybind11;
