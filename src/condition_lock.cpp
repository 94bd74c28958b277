// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "condition_lock.hpp"

#include "errors.hpp"
#include "forfeit.hpp"
#include "lock_header.hpp"
#include "lock_object.hpp"
#include "lock_operations.hpp"
#include "rlock_object.hpp"
#include "shared_lock_object.hpp"

namespace nativeconc::seam {
namespace {

bool is_plain_lock(PyObject* lock) { return Py_TYPE(lock) == lock_type; }
bool is_plain_rlock(PyObject* lock) { return Py_TYPE(lock) == rlock_type; }
bool is_plain_shared_rlock(PyObject* lock) { return Py_TYPE(lock) == shared_rlock_type; }

// The attribute, or null without an error if there is none.
PyObject* optional_method(PyObject* lock, const char* name) {
  PyObject* method = PyObject_GetAttrString(lock, name);
  if (method == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
  return method;
}

int is_held_by_trying(PyObject* lock) {
  const LockOperations& operations = operations_of(lock);
  switch (operations.attempt(lock)) {
    case Waited::acquired:
      return operations.release(lock) ? 0 : -1;
    case Waited::timed_out:
      return 1;
    default:
      return -1;
  }
}

// The levels that a `with` around would give back one by one.
std::uint32_t levels(PyObject* saved) {
  return PyLong_Check(saved) != 0 ? static_cast<std::uint32_t>(PyLong_AsUnsignedLongMask(saved))
                                  : 1;
}

Waited restore(PyObject* rlock, PyObject* saved) { return take_back_rlock(rlock, levels(saved)); }
Waited restore_shared(PyObject* rlock, PyObject* saved) {
  return take_back_shared_rlock(rlock, levels(saved));
}

Waited retake(PyObject* lock, PyObject*) {
  return operations_of(lock).take(lock, Deadline::never());
}

// By its methods, and whatever they return, as threading.Condition does it.
Waited restore_by_methods(PyObject* lock, PyObject* saved) {
  PyObject* method = optional_method(lock, "_acquire_restore");
  if (method == nullptr && PyErr_Occurred() != nullptr) return Waited::error;
  PyObject* answer = method != nullptr ? PyObject_CallOneArg(method, saved)
                                       : PyObject_CallMethod(lock, "acquire", nullptr);
  Py_XDECREF(method);
  Py_XDECREF(answer);
  if (answer != nullptr) return Waited::acquired;
  const bool never = PyErr_ExceptionMatches(errors().deadlock_error) != 0 ||
                     PyErr_ExceptionMatches(errors().owner_died_error) != 0 ||
                     PyErr_ExceptionMatches(errors().deadlock_warning) != 0;
  return never ? Waited::deadlock : Waited::error;
}

// Two exceptions, one while handling the other: the later one stays, with the earlier as context.
void chain(PyObject* type, PyObject* value, PyObject* traceback) {
  if (type == nullptr) return;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  if (PyErr_Occurred() == nullptr) {
    PyErr_Restore(type, value, traceback);
    return;
  }
  PyObject *later, *later_value, *later_traceback;
  PyErr_Fetch(&later, &later_value, &later_traceback);
  PyErr_NormalizeException(&later, &later_value, &later_traceback);
  PyException_SetContext(later_value, value);  // steals it
  PyErr_Restore(later, later_value, later_traceback);
  Py_DECREF(type);
  Py_XDECREF(traceback);
}

// Ours fail because of a signal handler or a deadlock. A foreign lock that does nothing but raise
// must not keep us here for ever.
constexpr int kAnyErrors = 0;
constexpr int kMostErrors = 1000;

using Take = Waited (*)(PyObject* lock, PyObject* saved);

// Tries until the lock is taken, or never can be: see take_lock_back.
bool insist(PyObject* lock, PyObject* saved, Take take, int most_errors) {
  for (int tries = 1;; ++tries) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    const Waited waited = take(lock, saved);
    chain(type, value, traceback);
    if (waited == Waited::acquired) return true;
    if (waited == Waited::deadlock || tries == most_errors) {
      // The _acquire_restore of a kind of nc.RLock has seen to it already.
      const bool is_done =
          take == restore_by_methods && (PyObject_TypeCheck(lock, rlock_type) != 0 ||
                                         PyObject_TypeCheck(lock, shared_rlock_type) != 0);
      if (has_lock_header(lock) && !is_done) add_forfeit(lock, levels(saved));
      return false;
    }
  }
}

}  // namespace

int is_lock_held(PyObject* lock) {
  if (is_plain_rlock(lock)) return is_own_rlock(lock) ? 1 : 0;
  if (is_plain_shared_rlock(lock)) return is_own_shared_rlock(lock) ? 1 : 0;
  if (is_plain_lock(lock)) return is_locked(lock) ? 1 : 0;
  PyObject* is_owned = optional_method(lock, "_is_owned");
  if (is_owned == nullptr) return PyErr_Occurred() != nullptr ? -1 : is_held_by_trying(lock);
  PyObject* answer = PyObject_CallNoArgs(is_owned);
  Py_DECREF(is_owned);
  const int truth = answer == nullptr ? -1 : PyObject_IsTrue(answer);
  Py_XDECREF(answer);
  return truth;
}

PyObject* held_lock(PyObject* lock, const char* to_do) {
  const int held = lock == nullptr ? -1 : is_lock_held(lock);
  if (held == 0) PyErr_Format(PyExc_RuntimeError, "cannot %s on un-acquired lock", to_do);
  return held > 0 ? lock : nullptr;
}

PyObject* let_go_of_lock(PyObject* lock) {
  if (is_plain_rlock(lock) || is_plain_shared_rlock(lock)) {
    const std::uint32_t depth =
        is_plain_rlock(lock) ? give_up_rlock(lock) : give_up_shared_rlock(lock);
    return depth == 0 ? nullptr : PyLong_FromUnsignedLong(depth);
  }
  PyObject* save = is_plain_lock(lock) ? nullptr : optional_method(lock, "_release_save");
  if (save != nullptr) {
    PyObject* saved = PyObject_CallNoArgs(save);
    Py_DECREF(save);
    return saved;
  }
  if (PyErr_Occurred() != nullptr || !operations_of(lock).release(lock)) return nullptr;
  return Py_NewRef(Py_None);
}

bool take_lock_back(PyObject* lock, PyObject* saved) {
  if (is_plain_rlock(lock)) return take_rlock_back(lock, saved);
  if (is_plain_shared_rlock(lock)) return take_shared_rlock_back(lock, saved);
  if (is_plain_lock(lock)) return insist(lock, saved, retake, kAnyErrors);
  return insist(lock, saved, restore_by_methods, kMostErrors);
}

bool take_rlock_back(PyObject* rlock, PyObject* saved) {
  return insist(rlock, saved, restore, kAnyErrors);
}

bool take_shared_rlock_back(PyObject* rlock, PyObject* saved) {
  return insist(rlock, saved, restore_shared, kAnyErrors);
}

}  // namespace nativeconc::seam
