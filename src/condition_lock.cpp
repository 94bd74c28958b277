// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "condition_lock.hpp"

#include "errors.hpp"
#include "forfeit.hpp"
#include "lock_header.hpp"
#include "lock_object.hpp"
#include "lock_operations.hpp"
#include "rlock_object.hpp"

namespace nativeconc::seam {
namespace {

bool is_plain_lock(PyObject* lock) { return Py_TYPE(lock) == lock_type; }
bool is_plain_rlock(PyObject* lock) { return Py_TYPE(lock) == rlock_type; }

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

bool restore(PyObject* rlock, PyObject* saved) {
  return take_back_rlock(rlock, levels(saved)) == Waited::acquired;
}

bool take_back_once(PyObject* lock, PyObject* saved) {
  if (is_plain_rlock(lock)) return restore(lock, saved);
  PyObject* method = is_plain_lock(lock) ? nullptr : optional_method(lock, "_acquire_restore");
  if (method != nullptr) {
    PyObject* answer = PyObject_CallOneArg(method, saved);
    Py_DECREF(method);
    Py_XDECREF(answer);
    return answer != nullptr;
  }
  return PyErr_Occurred() == nullptr &&
         operations_of(lock).take(lock, Deadline::never()) == Waited::acquired;
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

// Tries until the lock is taken, or never can be: see take_lock_back.
bool insist(PyObject* lock, PyObject* saved, bool (*take_once)(PyObject*, PyObject*)) {
  // A foreign lock that does nothing but raise must not keep us here for ever. Ours raises only if
  // it never can be had, or for a signal handler.
  constexpr int kMostErrors = 1000;
  const bool is_ours = has_lock_header(lock);
  for (int errors_seen = 0;; ++errors_seen) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    const bool taken = take_once(lock, saved);
    const bool hopeless = !taken && PyErr_Occurred() != nullptr &&
                          (PyErr_ExceptionMatches(errors().deadlock_error) != 0 ||
                           (!is_ours && errors_seen >= kMostErrors));
    chain(type, value, traceback);
    if (taken) return true;
    if (hopeless) {
      if (is_ours) add_forfeit(lock, levels(saved));
      return false;
    }
  }
}

}  // namespace

int is_lock_held(PyObject* lock) {
  if (is_plain_rlock(lock)) return is_own_rlock(lock) ? 1 : 0;
  if (is_plain_lock(lock)) return is_locked(lock) ? 1 : 0;
  PyObject* is_owned = optional_method(lock, "_is_owned");
  if (is_owned == nullptr) return PyErr_Occurred() != nullptr ? -1 : is_held_by_trying(lock);
  PyObject* answer = PyObject_CallNoArgs(is_owned);
  Py_DECREF(is_owned);
  const int truth = answer == nullptr ? -1 : PyObject_IsTrue(answer);
  Py_XDECREF(answer);
  return truth;
}

PyObject* let_go_of_lock(PyObject* lock) {
  if (is_plain_rlock(lock)) {
    const std::uint32_t depth = give_up_rlock(lock);
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

bool take_lock_back(PyObject* lock, PyObject* saved) { return insist(lock, saved, take_back_once); }

bool take_rlock_back(PyObject* rlock, PyObject* saved) { return insist(rlock, saved, restore); }

}  // namespace nativeconc::seam
