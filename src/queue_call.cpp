// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "queue_call.hpp"

#include <cerrno>

#include "bindings.hpp"
#include "errors.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

using Outcome = shared::Queue::Outcome;

// How long a call that does not block waits for the lock of an end, which somebody has for some
// microseconds, unless he is stopped.
constexpr std::int64_t kMomentNs = 200'000'000;

}  // namespace

PyObject* full_error = nullptr;
PyObject* empty_error = nullptr;

void raise_shut_down() {
  PyObject* module = PyImport_ImportModule("nativeconc.shared._queue");
  PyObject* type = module == nullptr ? nullptr : PyObject_GetAttrString(module, "ShutDown");
  if (type != nullptr) PyErr_SetString(type, "the queue is closed");
  Py_XDECREF(type);
  Py_XDECREF(module);
}

// Where an operation ended that did not succeed. `when_late` is queue.Full or queue.Empty.
void raise_outcome(const shared::Queue::Result& result, PyObject* when_late) {
  switch (result.outcome) {
    case Outcome::closed:
      raise_shut_down();
      return;
    case Outcome::failed:
      if (result.error == EBADMSG) {
        PyErr_SetString(errors().segment_error, "the queue is damaged");
        return;
      }
      errno = result.error;
      PyErr_SetFromErrno(PyExc_OSError);
      return;
    default:
      PyErr_SetNone(when_late);
  }
}

Deadline QueueArguments::limit() const { return may_block ? deadline : Deadline::after(kMomentNs); }

bool parse_queue_arguments(const QueueSignature& signature, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames, QueueArguments* parsed) {
  if (nargs == 1 && kwnames == nullptr && signature.first != nullptr) [[likely]] {
    parsed->first = args[0];
    return true;
  }
  const char* const names[] = {signature.first, "block", "timeout"};
  PyObject* values[] = {nullptr, nullptr, nullptr};
  const Py_ssize_t skipped = signature.first == nullptr ? 1 : 0;
  if (nargs > 3 - skipped) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)",
                 signature.function, 3 - skipped, nargs);
    return false;
  }
  for (Py_ssize_t i = 0; i < nargs; ++i) values[i + skipped] = args[i];
  const Py_ssize_t n_keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  for (Py_ssize_t i = 0; i < n_keywords; ++i) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, i);
    Py_ssize_t at = skipped;
    while (at < 3 && PyUnicode_CompareWithASCIIString(name, names[at]) != 0) ++at;
    if (at == 3 || values[at] != nullptr) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected, or a second, argument '%U'",
                   signature.function, name);
      return false;
    }
    values[at] = args[nargs + i];
  }
  if (signature.first != nullptr && values[0] == nullptr) {
    PyErr_Format(PyExc_TypeError, "%s() missing the argument '%s'", signature.function,
                 signature.first);
    return false;
  }
  parsed->first = values[0];
  const int block = values[1] == nullptr ? 1 : PyObject_IsTrue(values[1]);
  if (block < 0) return false;
  parsed->may_block = block == 1;
  return !parsed->may_block || parse_optional_timeout(values[2], &parsed->deadline);
}

void bind_queue_errors() {
  const py::module_ queue = py::module_::import("queue");
  full_error = py::object(queue.attr("Full")).release().ptr();
  empty_error = py::object(queue.attr("Empty")).release().ptr();
}

}  // namespace nativeconc::seam
