// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Groups of rows, as a function of _core. All arguments are positional: the kernel's own, then
// threads and gil. See bind_kernels.cpp.
#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "bindings.hpp"
#include "kernel_call.hpp"
#include "nativeconc/kernels/groupby.hpp"
#include "nativeconc/kernels/table.hpp"
#include "numpy_array.hpp"

namespace nativeconc::seam {
namespace {

using kernels::Statistic;

Statistic parse_statistic(py::handle how) {
  struct Named {
    const char* name;
    Statistic statistic;
  };
  static constexpr std::array kAll = {Named{"sum", Statistic::sum}, Named{"mean", Statistic::mean},
                                      Named{"min", Statistic::min}, Named{"max", Statistic::max},
                                      Named{"count", Statistic::count}};
  if (PyUnicode_Check(how.ptr()) == 0) {
    PyErr_Format(PyExc_TypeError, "how must be 'sum', 'mean', 'min', 'max' or 'count', not %.100s",
                 Py_TYPE(how.ptr())->tp_name);
    throw py::error_already_set();
  }
  for (const Named& each : kAll) {
    if (PyUnicode_CompareWithASCIIString(how.ptr(), each.name) == 0) return each.statistic;
  }
  PyErr_Format(PyExc_ValueError, "how must be 'sum', 'mean', 'min', 'max' or 'count', not %R",
               how.ptr());
  throw py::error_already_set();
}

void check_shapes(const ArrayView& keys, const ArrayView& values) {
  for (const auto& [name, view] : {std::pair("keys", keys), std::pair("values", values)}) {
    if (view.ndim == 1) continue;
    PyErr_Format(PyExc_ValueError, "%s must be one-dimensional, not %d-dimensional", name,
                 view.ndim);
    throw py::error_already_set();
  }
  if (keys.size() == values.size()) return;
  PyErr_Format(PyExc_ValueError,
               "keys and values must have the same length, not %lld and %lld elements",
               static_cast<long long>(keys.size()), static_cast<long long>(values.size()));
  throw py::error_already_set();
}

// keys, values, how
class GroupbyCall final : public KernelCall {
 public:
  explicit GroupbyCall(PyObject* const* args)
      : arrays_{py::reinterpret_borrow<py::object>(args[0]),
                py::reinterpret_borrow<py::object>(args[1])},
        keys_(view_of(args[0], "groupby", kernels::dtypes_of("groupby"))),
        values_(view_of(args[1], "groupby", kernels::dtypes_of("groupby"))),
        how_(parse_statistic(args[2])) {
    check_shapes(keys_, values_);
  }

  static KernelCall* parse(PyObject* const* args) { return new GroupbyCall(args); }

  double estimated_ns() const override { return kernels::groupby_estimated_ns(keys_); }
  pool::Outcome run(const pool::Execution& execution) override {
    return kernels::groupby(keys_, values_, how_, execution, out_);
  }
  py::object result() override {
    return py::make_tuple(array_of(out_.keys, keys_.dtype),
                          array_of(out_.results, out_.result_dtype));
  }

 private:
  using Memory = kernels::WorkMemory<unsigned char>;

  // An array of the elements that lie in this memory.
  py::object array_of(Memory& memory, Dtype dtype) const {
    constexpr std::int64_t kCopied = 8192;  // up to here a copy is cheaper than an owner
    const std::array<std::int64_t, 1> shape = {out_.n};
    if (out_.n <= kCopied) {
      py::array copy = new_array(dtype, shape);
      std::memcpy(copy.mutable_data(), memory.data(),
                  static_cast<std::size_t>(out_.n) * size_of(dtype));
      return copy;
    }
    auto kept = std::make_unique<Memory>(std::move(memory));
    const void* const data = kept->data();
    const py::capsule owner(kept.get(), [](void* m) { delete static_cast<Memory*>(m); });
    kept.release();
    return py::array(py::dtype(dtype_name(dtype)), {out_.n}, {}, data, owner);
  }

  std::array<py::object, 2> arrays_;
  ArrayView keys_;
  ArrayView values_;
  Statistic how_;
  kernels::Groups out_;
};

}  // namespace

void bind_groupby(py::module_& m) {
  static PyMethodDef methods[] = {
      kernel_method<&GroupbyCall::parse, 3>("groupby", "groupby(keys, values, how, threads, gil)"),
      {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
