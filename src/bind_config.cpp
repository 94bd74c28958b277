// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Facts about this build and this machine, for nc.show_config().
#include "bindings.hpp"
#include "nativeconc/os/cpu_budget.hpp"

namespace nativeconc::seam {

void bind_config(py::module_& m) {
  m.attr("__version__") = NATIVECONC_VERSION;
  m.attr("compiler") = __VERSION__;
  m.def("cpu_budget", [] {
    const os::CpuBudget budget = os::read_cpu_budget();
    return py::make_tuple(budget.affinity, budget.quota, budget.threads());
  });
}

}  // namespace nativeconc::seam
