// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Everything the module is made of, in the order in which module.cpp adds it.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

void refuse_sub_interpreters();  // throws ImportError
void bind_errors(py::module_& m);
void bind_entry_method(py::module_& m);
void bind_timed_entry(py::module_& m);
void bind_stats(py::module_& m);
void bind_deadlock(py::module_& m);
void bind_lock(py::module_& m);
void bind_rlock(py::module_& m);
void bind_semaphore(py::module_& m);
void bind_condition(py::module_& m);
void bind_event(py::module_& m);
void bind_barrier(py::module_& m);
void bind_rwlock(py::module_& m);
void bind_acquire_all(py::module_& m);
void bind_pool(py::module_& m);
void bind_kernels(py::module_& m);
void bind_reductions(py::module_& m);
void bind_ordering(py::module_& m);
void bind_order_statistics(py::module_& m);
void bind_sets(py::module_& m);
void bind_counting(py::module_& m);
void bind_groupby(py::module_& m);
void bind_add_at(py::module_& m);
void bind_bincount(py::module_& m);
void bind_cuda(py::module_& m);
void bind_buffer(py::module_& m);
void bind_segments(py::module_& m);
void bind_shared_queue(py::module_& m);
void bind_recovery(py::module_& m);
void bind_shared_barrier(py::module_& m);
void bind_shared_condition(py::module_& m);
void bind_shared_event(py::module_& m);
void bind_shared_lock(py::module_& m);
void bind_shared_rlock(py::module_& m);
void bind_shared_rwlock(py::module_& m);
void bind_shared_semaphore(py::module_& m);
void bind_config(py::module_& m);

}  // namespace nativeconc::seam
