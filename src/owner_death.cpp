// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "owner_death.hpp"

#include "errors.hpp"
#include "python_part.hpp"

namespace nativeconc::seam {
namespace {

using Entry = shared::Lock::Entry;

constexpr char kPythonPart[] = "nativeconc.shared._owner_death";

bool is_word(PyObject* argument, const char* word) {
  return PyUnicode_Check(argument) != 0 && PyUnicode_CompareWithASCIIString(argument, word) == 0;
}

}  // namespace

bool OwnerDeathPolicy::parse(PyObject* argument) {
  if (argument == nullptr || is_word(argument, "raise")) {
    clear();
    return true;
  }
  const bool continues = is_word(argument, "continue");
  if (!continues && PyCallable_Check(argument) == 0) {
    PyErr_Format(PyUnicode_Check(argument) != 0 ? PyExc_ValueError : PyExc_TypeError,
                 "on_owner_death must be 'raise', 'continue' or a callable, not %R", argument);
    return false;
  }
  PyObject* const before = argument_;
  argument_ = Py_NewRef(continues ? Py_None : argument);
  Py_XDECREF(before);
  return true;
}

const char* OwnerDeathPolicy::spoken() const {
  if (raises()) return "raise";
  return function() == nullptr ? "continue" : "callable";
}

PyObject* OwnerDeathPolicy::argument() const {
  return function() != nullptr ? Py_NewRef(function()) : PyUnicode_FromString(spoken());
}

int OwnerDeathPolicy::traverse(visitproc visit, void* arg) const {
  Py_VISIT(argument_);
  return 0;
}

void OwnerDeathPolicy::clear() { Py_CLEAR(argument_); }

PyObject* make_dead_owner(const shared::DeadOwner& dead) {
  return call_python(
      kPythonPart, "make",
      Py_BuildValue("(iid)", dead.pid, dead.tid, static_cast<double>(dead.found_ns) * 1e-9));
}

void raise_owner_died(PyObject* lock, const shared::DeadOwner& dead) {
  PyObject* owner = make_dead_owner(dead);
  if (owner == nullptr) return;
  PyObject* error = call_python(kPythonPart, "error", Py_BuildValue("(ON)", lock, owner));
  if (error == nullptr) return;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
  Py_DECREF(error);
}

Waited settle_entry(PyObject* lock, Entry entry, const shared::DeadOwner& dead,
                    const OwnerDeathPolicy& policy, void (*back)(PyObject* lock)) {
  switch (entry) {
    case Entry::acquired:
      return Waited::acquired;
    case Entry::timed_out:
    case Entry::interrupted:
      return Waited::timed_out;
    case Entry::in_doubt:
      raise_owner_died(lock, dead);
      return Waited::deadlock;
    case Entry::acquired_in_doubt:
      break;
  }
  if (policy.function() == nullptr) return Waited::acquired;
  PyObject* function = Py_NewRef(policy.function());
  PyObject* owner = make_dead_owner(dead);
  PyObject* done = owner == nullptr ? nullptr : PyObject_CallOneArg(function, owner);
  Py_XDECREF(owner);
  Py_DECREF(function);
  if (done == nullptr) {
    back(lock);
    return Waited::error;
  }
  Py_DECREF(done);
  return Waited::acquired;
}

}  // namespace nativeconc::seam
