// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The extension module: an ordered list, and nothing else. Python enters through entry.cpp.
#include "bindings.hpp"

PYBIND11_MODULE(core_of_main_interpreter, m, py::mod_gil_not_used()) {
  using namespace nativeconc::seam;
  refuse_sub_interpreters();
  m.doc() = "The native core of nativeconc. Private: import nativeconc instead.";
  bind_errors(m);
  bind_entry_method(m);
  bind_timed_entry(m);
  bind_stats(m);
  bind_deadlock(m);
  bind_lock(m);
  bind_rlock(m);
  bind_semaphore(m);
  bind_condition(m);
  bind_event(m);
  bind_barrier(m);
  bind_rwlock(m);
  bind_acquire_all(m);
  bind_pool(m);
  bind_kernels(m);
  bind_reductions(m);
  bind_ordering(m);
  bind_order_statistics(m);
  bind_sets(m);
  bind_counting(m);
  bind_groupby(m);
  bind_add_at(m);
  bind_bincount(m);
  bind_cuda(m);
  bind_buffer(m);
  bind_segments(m);
  bind_shared_queue(m);
  bind_recovery(m);
  bind_shared_barrier(m);
  bind_shared_event(m);
  bind_shared_lock(m);
  bind_shared_rlock(m);
  bind_shared_condition(m);
  bind_shared_rwlock(m);
  bind_shared_semaphore(m);
  bind_config(m);
}
