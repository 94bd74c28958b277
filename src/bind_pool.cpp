// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The pool's settings: nc.set_num_threads(), nc.get_num_threads(), nc.num_threads().
#include "bindings.hpp"
#include "nativeconc/pool/thread_count.hpp"
#include "nativeconc/pool/thread_pool.hpp"
#include "threads_argument.hpp"

namespace nativeconc::seam {

void bind_pool(py::module_& m) {
  // Now, so that no fork finds it half made. It starts no thread.
  pool::ThreadPool::instance();
  m.attr("MAX_THREADS") = pool::kMaxThreads;
  m.attr("num_threads_context") = py::handle(thread_count_context());
  m.def("parse_thread_count", &parse_thread_count, py::arg("threads"));
  m.def("resolve_threads", &resolve_threads, py::arg("threads"));
  m.def(
      "set_num_threads",
      [](py::handle n) { pool::set_default_thread_count(parse_thread_count(n)); }, py::arg("n"));
  m.def("worker_count", [] { return pool::ThreadPool::instance().worker_count(); });
  // Called at exit by the main thread, which may wait for the GIL safely.
  m.def("stop_idle_workers", &pool::ThreadPool::stop_if_idle,
        py::call_guard<py::gil_scoped_release>());
}

}  // namespace nativeconc::seam
