// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What nativeconc.deadlock is built on.
#include <cmath>
#include <string>

#include "bindings.hpp"
#include "deadlock_report.hpp"
#include "deadlock_settings.hpp"
#include "lock_header.hpp"
#include "shared_deadlock_report.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

void configure(const std::string& policy, bool order, double grace, bool stacks) {
  DeadlockSettings& settings = deadlock_settings();
  constexpr double kMostNs = 9.0e18;
  settings.raises.store(policy == "raise", std::memory_order_relaxed);
  settings.grace_ns.store(static_cast<std::int64_t>(std::fmin(grace * 1e9, kMostNs)),
                          std::memory_order_relaxed);
  settings.order.store(order, std::memory_order_relaxed);
  settings.stacks.store(stacks, std::memory_order_relaxed);
  set_tracking(order || stacks);
}

py::object stolen(PyObject* object) {
  if (object == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

py::object creation_site(py::handle lock) {
  if (!has_lock_header(lock.ptr())) return py::none();
  const Origin& origin = lock_header(lock.ptr())->origin;
  return stolen(describe_place(origin.code, origin.instruction));
}

}  // namespace

DeadlockSettings& deadlock_settings() {
  static DeadlockSettings settings;
  return settings;
}

void bind_deadlock(py::module_& m) {
  find_threading_module();
  m.def("deadlock_configure", configure, py::arg("policy"), py::arg("order"), py::arg("grace"),
        py::arg("stacks"));
  m.def("deadlock_find", [] { return stolen(find_deadlocks()); });
  m.def("deadlock_find_shared", [] { return stolen(find_shared_deadlocks()); });
  m.def(
      "shared_waiters", [](std::uint64_t uid) { return stolen(list_shared_waiters(uid)); },
      py::arg("uid"));
  m.def("deadlock_held", [] { return stolen(list_held()); });
  m.def("creation_site", creation_site, py::arg("lock"));
}

}  // namespace nativeconc::seam
