// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The methods that nc.Condition and shared.Condition have in common: those of the lock under it,
// and what wait_for() and notify() make of their arguments. Needs the GIL.
#pragma once

#include "condition_lock.hpp"
#include "forfeit.hpp"
#include "heap_type.hpp"
#include "lock_operations.hpp"
#include "timed_entry.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {

// What a kind of condition does in its own way.
struct ConditionOperations {
  // The lock under it, borrowed; it lives as long as the condition. Null with an error.
  PyObject* (*lock)(PyObject* self);
  // With the lock held: 1: notified; 0: the time is up; -1: an error. The lock is held again in
  // every case but one: see take_lock_back.
  int (*wait_until)(PyObject* self, Deadline deadline);
  // With the lock held.
  PyObject* (*notify)(PyObject* self, std::uint64_t n);
};

template <const ConditionOperations& kOperations>
struct ConditionMethods {
  // --- the lock's own operations

  static PyObject* lock(PyObject* self) { return kOperations.lock(self); }

  static Waited attempt(PyObject* self) {
    PyObject* under = lock(self);
    return under == nullptr ? Waited::error : operations_of(under).attempt(under);
  }
  static Waited take(PyObject* self, Deadline deadline) {
    PyObject* under = lock(self);
    return under == nullptr ? Waited::error : operations_of(under).take(under, deadline);
  }
  static bool give_back(PyObject* self) {
    PyObject* under = lock(self);
    return under != nullptr && operations_of(under).release(under);
  }
  static constexpr LockOperations kLockOperations{attempt, take, give_back};

  static bool is_foreign(PyObject* under) { return &operations_of(under) == &kMethodOperations; }

  static PyObject* acquire(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames) {
    PyObject* under = lock(self);
    PyObject* method = under == nullptr ? nullptr : PyObject_GetAttrString(under, "acquire");
    if (method == nullptr) return nullptr;
    PyObject* answer = PyObject_Vectorcall(method, args, static_cast<std::size_t>(nargs), kwnames);
    Py_DECREF(method);
    return answer;
  }

  static PyObject* release(PyObject* self, PyObject*) {
    if (!give_back(self)) return nullptr;
    Py_RETURN_NONE;
  }

  static PyObject* enter(PyObject* self, PyObject*) {
    PyObject* under = lock(self);
    if (under == nullptr) return nullptr;
    if (is_foreign(under) && PyObject_HasAttrString(under, "__enter__") != 0) {
      return PyObject_CallMethod(under, "__enter__", nullptr);
    }
    return acquire_result(operations_of(under).take(under, Deadline::never()));
  }

  static PyObject* exit(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
    PyObject* under = lock(self);
    if (under == nullptr) return nullptr;
    if (is_forfeited(under)) [[unlikely]]
      Py_RETURN_NONE;
    if (!is_foreign(under) || PyObject_HasAttrString(under, "__exit__") == 0) {
      return release(self, nullptr);
    }
    PyObject* method = PyObject_GetAttrString(under, "__exit__");
    if (method == nullptr) return nullptr;
    PyObject* answer = PyObject_Vectorcall(method, args, static_cast<std::size_t>(nargs), nullptr);
    Py_DECREF(method);
    return answer;
  }

  static PyObject* locked(PyObject* self, PyObject*) {
    PyObject* under = lock(self);
    return under == nullptr ? nullptr : PyObject_CallMethod(under, "locked", nullptr);
  }

  static PyObject* timeout(PyObject* self, PyObject* seconds) {
    return make_timed_entry(self, seconds, kLockOperations);
  }

  static PyObject* is_owned(PyObject* self, PyObject*) {
    PyObject* under = lock(self);
    const int held = under == nullptr ? -1 : is_lock_held(under);
    return held < 0 ? nullptr : PyBool_FromLong(held);
  }

  static PyObject* release_save(PyObject* self, PyObject*) {
    PyObject* under = lock(self);
    return under == nullptr ? nullptr : let_go_of_lock(under);
  }

  static PyObject* acquire_restore(PyObject* self, PyObject* saved) {
    PyObject* under = lock(self);
    if (under == nullptr || !take_lock_back(under, saved) || PyErr_Occurred() != nullptr) {
      return nullptr;
    }
    Py_RETURN_NONE;
  }

  static PyObject* get_lock(PyObject* self, void*) { return Py_XNewRef(lock(self)); }

  // --- waiting and notifying

  static PyObject* wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
    Deadline deadline = Deadline::never();
    if (!parse_wait(args, nargs, kwnames, &deadline)) return nullptr;
    const int notified = kOperations.wait_until(self, deadline);
    return notified < 0 ? nullptr : PyBool_FromLong(notified);
  }

  static PyObject* wait_for(PyObject* self, PyObject* args, PyObject* kwargs) {
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
      if (kOperations.wait_until(self, deadline) < 0) return nullptr;
    }
  }

  static PyObject* notify(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                          PyObject* kwnames) {
    PyObject* n = nullptr;
    if (!parse_one("notify", "n", args, nargs, kwnames, &n)) return nullptr;
    if (n == nullptr) return kOperations.notify(self, 1);
    PyObject* index = PyNumber_Index(n);
    if (index == nullptr) {
      PyErr_Format(PyExc_TypeError, "n must be an int, not %.100s", Py_TYPE(n)->tp_name);
      return nullptr;
    }
    int overflow = 0;
    const long long count = PyLong_AsLongLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (overflow > 0) return notify_all(self, nullptr);
    return kOperations.notify(self,
                              overflow < 0 || count < 0 ? 0 : static_cast<std::uint64_t>(count));
  }

  static PyObject* notify_all(PyObject* self, PyObject*) {
    return kOperations.notify(self, ~std::uint64_t{0});
  }
};

}  // namespace nativeconc::seam
