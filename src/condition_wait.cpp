// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Condition.wait and Condition.notify.
#include "condition_lock.hpp"
#include "condition_object.hpp"
#include "rlock_object.hpp"
#include "timeout.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

sync::Condition& core(PyObject* self) { return condition_object(self)->condition; }

// Only its owner can release it, and that wakes whom it has notified.
bool is_rlock(PyObject* lock) { return Py_TYPE(lock) == rlock_type; }

// The condition's lock, borrowed, which this thread must hold: null, with an error set, if not.
PyObject* held_lock(PyObject* self, const char* to_do) {
  PyObject* lock = condition_lock(self);
  const int held = lock == nullptr ? -1 : is_lock_held(lock);
  if (held == 0) PyErr_Format(PyExc_RuntimeError, "cannot %s on un-acquired lock", to_do);
  return held > 0 ? lock : nullptr;
}

struct ConditionWait {
  sync::Condition& condition;
  sync::Condition::Waiter& waiter;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<ConditionWait*>(wait);
  if (kMaySpin && self->condition.spin(self->waiter)) return WaitResult::acquired;
  return self->condition.wait(self->waiter, deadline);
}

// 1: notified; 0: the time is up; -1: an error. The lock is held again in every case but one: see
// take_lock_back.
int wait_until(PyObject* self, Deadline deadline) {
  PyObject* lock = Py_XNewRef(held_lock(self, "wait"));
  if (lock == nullptr) return -1;
  sync::Condition::Waiter* waiter = core(self).enter();
  PyObject* saved = waiter == nullptr ? PyErr_NoMemory() : let_go_of_lock(lock);
  if (saved == nullptr) {
    if (waiter != nullptr && core(self).leave(waiter)) core(self).notify(1);
    Py_DECREF(lock);
    return -1;
  }
  ConditionWait wait{core(self), *waiter};
  const Waited waited = wait_for({&wait, sleep, nullptr, &condition_object(self)->stats}, deadline);
  const bool notified = core(self).leave(waiter);
  // A thread that leaves with an exception has no use for a notify: let another have it.
  if (waited == Waited::error && notified) core(self).notify(1);
  take_lock_back(lock, saved);
  Py_DECREF(saved);
  Py_DECREF(lock);
  if (PyErr_Occurred() != nullptr) return -1;
  return notified ? 1 : 0;
}

PyObject* notify(PyObject* self, std::uint64_t n) {
  PyObject* lock = held_lock(self, "notify");
  if (lock == nullptr) return nullptr;
  core(self).notify(n, is_rlock(lock) ? sync::Condition::Wake::later : sync::Condition::Wake::now);
  Py_RETURN_NONE;
}

}  // namespace

PyObject* condition_wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames) {
  Deadline deadline = Deadline::never();
  if (!parse_wait(args, nargs, kwnames, &deadline)) return nullptr;
  const int notified = wait_until(self, deadline);
  return notified < 0 ? nullptr : PyBool_FromLong(notified);
}

PyObject* condition_wait_for(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"predicate", "timeout", nullptr};
  PyObject* predicate = nullptr;
  PyObject* timeout = nullptr;
  Deadline deadline = Deadline::never();
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:wait_for", const_cast<char**>(keywords),
                                  &predicate, &timeout) == 0 ||
      !parse_optional_timeout(timeout, &deadline)) {
    return nullptr;
  }
  for (;;) {
    PyObject* answer = PyObject_CallNoArgs(predicate);
    const int truth = answer == nullptr ? -1 : PyObject_IsTrue(answer);
    if (truth != 0 || deadline.has_passed()) {
      if (truth < 0) Py_CLEAR(answer);
      return answer;
    }
    Py_DECREF(answer);
    if (wait_until(self, deadline) < 0) return nullptr;
  }
}

PyObject* condition_notify(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames) {
  PyObject* n = nullptr;
  if (!parse_one("notify", "n", args, nargs, kwnames, &n)) return nullptr;
  if (n == nullptr) return notify(self, 1);
  PyObject* index = PyNumber_Index(n);
  if (index == nullptr) {
    PyErr_Format(PyExc_TypeError, "n must be an int, not %.100s", Py_TYPE(n)->tp_name);
    return nullptr;
  }
  int overflow = 0;
  const long long count = PyLong_AsLongLongAndOverflow(index, &overflow);
  Py_DECREF(index);
  if (overflow > 0) return notify(self, ~std::uint64_t{0});
  return notify(self, overflow < 0 || count < 0 ? 0 : static_cast<std::uint64_t>(count));
}

PyObject* condition_notify_all(PyObject* self, PyObject*) {
  return notify(self, ~std::uint64_t{0});
}

}  // namespace nativeconc::seam
