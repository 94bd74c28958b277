// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The type of what stats() returns.
#include "bindings.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"
#include "stats.hpp"

namespace nativeconc::seam {
namespace {

PyTypeObject* type = nullptr;

PyStructSequence_Field fields[] = {
    {"waited", "how often a thread had to wait, and has finished waiting"},
    {"wait_total", "seconds that threads waited, all together"},
    {"wait_max", "seconds of the longest wait"},
    {"waiters", "threads that wait now"},
    {"owner",
     "threading ident of the thread that has it now (of a shared lock its pid and native id),\n"
     "or None"},
    {nullptr, nullptr},
};

PyStructSequence_Desc description = {
    "nativeconc.Stats", "How often and how long threads waited for a primitive.", fields, 5};

PyObject* ident_of(deadlock::ThreadId owner) {
  const std::uint64_t ident = deadlock::thread_info(owner).ident;
  return owner == deadlock::kNobody || ident == 0 ? Py_NewRef(Py_None)
                                                  : PyLong_FromUnsignedLongLong(ident);
}

}  // namespace

const char kStatsDoc[] =
    "stats($self, /)\n--\n\n"
    "Return how often and how long threads waited: waited, wait_total and wait_max (seconds),\n"
    "waiters (now; of a shared one those that have waited for some milliseconds) and owner (a\n"
    "threading ident, of a shared one (pid, native id), or None). Counted only where a thread\n"
    "waits.";

PyObject* make_stats_of(const sync::WaitTotals& totals, std::uint32_t waiters, PyObject* owner) {
  PyObject* result = owner == nullptr ? nullptr : PyStructSequence_New(type);
  if (result == nullptr) {
    Py_XDECREF(owner);
    return nullptr;
  }
  const auto seconds = [](std::uint64_t ns) {
    return PyFloat_FromDouble(static_cast<double>(ns) * 1e-9);
  };
  PyStructSequence_SetItem(result, 0, PyLong_FromUnsignedLongLong(totals.waited()));
  PyStructSequence_SetItem(result, 1, seconds(totals.total_ns()));
  PyStructSequence_SetItem(result, 2, seconds(totals.max_ns()));
  PyStructSequence_SetItem(result, 3, PyLong_FromUnsignedLong(waiters));
  PyStructSequence_SetItem(result, 4, owner);
  if (PyErr_Occurred() != nullptr) Py_CLEAR(result);
  return result;
}

PyObject* make_stats(const sync::WaitStats& stats, deadlock::ThreadId owner) {
  return make_stats_of(stats.totals(), stats.waiting(), ident_of(owner));
}

void bind_stats(py::module_& m) {
  type = PyStructSequence_NewType(&description);
  if (type == nullptr || PyModule_AddType(m.ptr(), type) != 0) throw py::error_already_set();
}

}  // namespace nativeconc::seam
