// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Condition.wait and Condition.notify of nc.Condition.
#include "condition_lock.hpp"
#include "condition_object.hpp"
#include "rlock_object.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

sync::Condition& core(PyObject* self) { return condition_object(self)->condition; }

// Only its owner can release it, and that wakes whom it has notified.
bool is_rlock(PyObject* lock) { return Py_TYPE(lock) == rlock_type; }

struct ConditionWait {
  sync::Condition& condition;
  sync::Condition::Waiter& waiter;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<ConditionWait*>(wait);
  if (kMaySpin && self->condition.spin(self->waiter)) return WaitResult::acquired;
  return self->condition.wait(self->waiter, deadline);
}

}  // namespace

int condition_wait_until(PyObject* self, Deadline deadline) {
  PyObject* lock = Py_XNewRef(held_lock(condition_lock(self), "wait"));
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

PyObject* condition_notify(PyObject* self, std::uint64_t n) {
  PyObject* lock = held_lock(condition_lock(self), "notify");
  if (lock == nullptr) return nullptr;
  core(self).notify(n, is_rlock(lock) ? os::Wake::later : os::Wake::now);
  Py_RETURN_NONE;
}

}  // namespace nativeconc::seam
