// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "lock_operations.hpp"

#include <algorithm>
#include <array>

namespace nativeconc::seam {
namespace {

struct Entry {
  PyTypeObject* type;
  const LockOperations* operations;
};
std::array<Entry, 16> entries{};

Waited took(PyObject* answer) {
  if (answer == nullptr) return Waited::error;
  const int truth = PyObject_IsTrue(answer);
  Py_DECREF(answer);
  if (truth < 0) return Waited::error;
  return truth != 0 ? Waited::acquired : Waited::timed_out;
}

Waited acquire_within(PyObject* lock, double seconds) {
  PyObject* method = PyObject_GetAttrString(lock, "acquire");
  PyObject* kwargs = method == nullptr ? nullptr : Py_BuildValue("{sd}", "timeout", seconds);
  PyObject* answer =
      kwargs == nullptr ? nullptr : PyObject_VectorcallDict(method, nullptr, 0, kwargs);
  Py_XDECREF(kwargs);
  Py_XDECREF(method);
  return took(answer);
}

// acquire(False): "do not block" where that comes first, and no time where the timeout does.
Waited attempt(PyObject* lock) { return took(PyObject_CallMethod(lock, "acquire", "O", Py_False)); }

Waited take(PyObject* lock, Deadline deadline) {
  if (deadline.is_never()) {
    // A lock that has nothing to say, and returns, has been taken.
    PyObject* answer = PyObject_CallMethod(lock, "acquire", nullptr);
    return took(answer == Py_None ? Py_True : answer);
  }
  const std::int64_t left_ns = std::max<std::int64_t>(0, deadline.when_ns() - monotonic_ns());
  return acquire_within(lock, static_cast<double>(left_ns) * 1e-9);
}

bool release(PyObject* lock) {
  PyObject* answer = PyObject_CallMethod(lock, "release", nullptr);
  Py_XDECREF(answer);
  return answer != nullptr;
}

}  // namespace

const LockOperations kMethodOperations{attempt, take, release};

const LockOperations& operations_of(PyObject* lock) {
  for (const Entry& entry : entries) {
    if (entry.type == Py_TYPE(lock)) return *entry.operations;
  }
  return kMethodOperations;
}

void add_operations(PyTypeObject* type, const LockOperations& operations) {
  for (Entry& entry : entries) {
    if (entry.type == nullptr) {
      entry = {type, &operations};
      return;
    }
  }
}

}  // namespace nativeconc::seam
