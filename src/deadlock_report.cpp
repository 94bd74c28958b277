// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "deadlock_report.hpp"

#include <new>
#include <vector>

#include "deadlock_settings.hpp"
#include "errors.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"
#include "origin.hpp"
#include "python_part.hpp"
#include "thread_name.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

using deadlock::Deadlock;
using deadlock::Fate;
using deadlock::Finding;
using deadlock::Mode;
using deadlock::Party;

const char* spoken(Finding finding) {
  switch (finding) {
    case Finding::exited:
      return "exited";
    case Finding::lost:
      return "lost";
    default:
      return "cycle";
  }
}

const char* spoken(Fate fate) {
  switch (fate) {
    case Fate::exited:
      return "exited";
    case Fate::lost:
      return "lost";
    default:
      return "waiting";
  }
}

// Takes a reference to what a party waits for, while it cannot go away.
void keep_lock(const Party& party) {
  if (party.waits) Py_INCREF(static_cast<PyObject*>(party.want.lock));
}

void let_go(const Deadlock& deadlock) {
  for (const Party& party : deadlock.parties) {
    if (party.waits) Py_DECREF(static_cast<PyObject*>(party.want.lock));
  }
}

// (ident, name, fate, wants, wants_mode, holds_mode, took)
PyObject* party_tuple(const Party& party, PyObject* held) {
  PyObject* wants = party.waits ? static_cast<PyObject*>(party.want.lock) : Py_None;
  PyObject* took = held == nullptr ? Py_NewRef(Py_None) : where_taken(held, party.id);
  if (took == nullptr) return nullptr;
  PyObject* name = describe_name(party.thread.name.data());
  if (name == nullptr) {
    Py_DECREF(took);
    return nullptr;
  }
  return Py_BuildValue("KNsOssN", static_cast<unsigned long long>(party.thread.ident), name,
                       spoken(party.thread.fate), wants, mode_name(party.want.mode),
                       mode_name(party.holds_as), took);
}

PyObject* party_tuples(const Deadlock& deadlock) {
  const std::size_t n = deadlock.parties.size();
  PyObject* tuples = PyTuple_New(static_cast<Py_ssize_t>(n));
  if (tuples == nullptr) return nullptr;
  for (std::size_t i = 0; i < n; ++i) {
    const Party& waiter = deadlock.parties[(i + n - 1) % n];
    PyObject* held = waiter.waits ? static_cast<PyObject*>(waiter.want.lock) : nullptr;
    PyObject* tuple = party_tuple(deadlock.parties[i], held);
    if (tuple == nullptr) {
      Py_DECREF(tuples);
      return nullptr;
    }
    PyTuple_SET_ITEM(tuples, static_cast<Py_ssize_t>(i), tuple);
  }
  return tuples;
}

// Steals the exception. If the report could not be made there is an error already, which will do.
bool raise(PyObject* exception) {
  if (exception == nullptr) return false;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
  Py_DECREF(exception);
  return false;
}

bool report(const Deadlock& deadlock) {
  const bool raises =
      deadlock.certain || deadlock_settings().raises.load(std::memory_order_relaxed);
  PyObject* parties = party_tuples(deadlock);
  if (parties == nullptr) return false;
  PyObject* answer = call_event("deadlock", Py_BuildValue("sONO", spoken(deadlock.finding),
                                                          deadlock.certain ? Py_True : Py_False,
                                                          parties, raises ? Py_True : Py_False));
  if (answer == nullptr || !Py_IsNone(answer)) return raise(answer);
  Py_DECREF(answer);
  return true;
}

}  // namespace

PyObject* call_event(const char* name, PyObject* args) {
  const NotTracked not_tracked;  // what a report does itself is none of its business
  return call_python("nativeconc.deadlock._events", name, args);
}

Reported report_own_deadlock(std::uint64_t claimed) {
  Deadlock deadlock;
  try {
    deadlock = deadlock::examine(keep_lock, claimed);
  } catch (const std::bad_alloc&) {
    deadlock::end_wait();
    PyErr_NoMemory();
    return Reported::gives_up;
  }
  deadlock::end_wait();
  if (deadlock.finding == Finding::nothing) return Reported::dissolved;
  const bool goes_on = report(deadlock);
  let_go(deadlock);
  return goes_on ? Reported::goes_on : Reported::gives_up;
}

void raise_upgrade_error(PyObject* rwlock) {
  Party self;
  self.id = this_thread();
  self.thread = deadlock::thread_info(self.id);
  self.waits = true;
  self.want.lock = rwlock;
  self.want.mode = Mode::write;
  self.holds_as = Mode::read;
  PyObject* party = party_tuple(self, rwlock);
  if (party == nullptr) return;
  raise(call_event("deadlock", Py_BuildValue("sO(N)O", "upgrade", Py_True, party, Py_True)));
}

PyObject* find_deadlocks() {
  std::vector<Deadlock> all;
  try {
    all = deadlock::examine_all(keep_lock);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  PyObject* list = PyList_New(0);
  for (const Deadlock& deadlock : all) {
    PyObject* parties = list == nullptr ? nullptr : party_tuples(deadlock);
    PyObject* item = parties == nullptr
                         ? nullptr
                         : Py_BuildValue("sON", spoken(deadlock.finding),
                                         deadlock.certain ? Py_True : Py_False, parties);
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
    let_go(deadlock);
  }
  return list;
}

}  // namespace nativeconc::seam
