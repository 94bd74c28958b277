// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What putting into a shared.Queue and getting from it have in common: arguments, and how a failure
// becomes an exception. Needs the GIL.
#pragma once

#include "queue_object.hpp"

namespace nativeconc::seam {

// What is copied with the GIL held.
inline constexpr std::uint64_t kQuickBytes = 16 << 10;

// queue.Full and queue.Empty.
extern PyObject* full_error;
extern PyObject* empty_error;

void raise_shut_down();

// Where an operation ended that did not succeed. `when_late` is queue.Full or queue.Empty.
void raise_outcome(const shared::Queue::Result& result, PyObject* when_late);

// Up to three: what to put, or how many to take; block=True; timeout=None.
struct QueueArguments {
  PyObject* first = nullptr;
  bool may_block = true;
  Deadline deadline = Deadline::never();

  // Until when to wait: a call that does not block waits only for the lock of an end.
  Deadline limit() const;
};

struct QueueSignature {
  const char* function;
  const char* first;  // the name of the first argument; null: there is none
};

// False with a Python error.
bool parse_queue_arguments(const QueueSignature& signature, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames, QueueArguments* parsed);

// The methods.
PyObject* queue_put(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* queue_put_nowait(PyObject* self, PyObject* object);
PyObject* queue_put_many(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames);
PyObject* queue_get(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* queue_get_nowait(PyObject* self, PyObject*);
PyObject* queue_get_many(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames);

void bind_queue_errors();

}  // namespace nativeconc::seam
