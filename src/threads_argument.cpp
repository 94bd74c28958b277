// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "threads_argument.hpp"

#include "nativeconc/pool/thread_count.hpp"

namespace nativeconc::seam {
namespace {

int parse(py::handle threads, const char* alternative) {
  // A bool is an int to Python, but threads=True is a mistake.
  if (PyBool_Check(threads.ptr()) || PyIndex_Check(threads.ptr()) == 0) {
    PyErr_Format(PyExc_TypeError, "threads must be an int from 1 to %d%s, not %.100s",
                 pool::kMaxThreads, alternative, Py_TYPE(threads.ptr())->tp_name);
    throw py::error_already_set();
  }
  const Py_ssize_t count = PyNumber_AsSsize_t(threads.ptr(), nullptr);  // clips, never overflows
  if (count == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (count < 1 || count > pool::kMaxThreads) {
    PyErr_Format(PyExc_ValueError, "threads must be from 1 to %d, not %S", pool::kMaxThreads,
                 threads.ptr());
    throw py::error_already_set();
  }
  return static_cast<int>(count);
}

}  // namespace

int parse_thread_count(py::handle threads) { return parse(threads, ""); }

int resolve_threads(py::handle threads) {
  if (!threads.is_none()) return parse(threads, ", or None");
  PyObject* value = nullptr;
  if (PyContextVar_Get(thread_count_context(), nullptr, &value) != 0) throw py::error_already_set();
  const auto owner = py::reinterpret_steal<py::object>(value);
  return owner.is_none() ? pool::default_thread_count() : parse_thread_count(owner);
}

PyObject* thread_count_context() {
  static PyObject* const context = PyContextVar_New("nativeconc_num_threads", Py_None);
  if (context == nullptr) throw py::error_already_set();
  return context;
}

}  // namespace nativeconc::seam
