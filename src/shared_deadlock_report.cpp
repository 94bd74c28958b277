// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "shared_deadlock_report.hpp"

#include <new>
#include <vector>

#include "deadlock_settings.hpp"
#include "errors.hpp"
#include "nativeconc/shared/wait_cycle.hpp"
#include "origin.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

using deadlock::Mode;
using shared::Cycle;
using shared::CycleParty;
using shared::WaiterOnBoard;

// A deadlock, with what the notes of its parties say.
struct Described {
  Cycle cycle;
  std::vector<WaiterOnBoard> parties;  // in the same order; empty: it is not there any more
};

// Throws std::bad_alloc.
Described describe(Cycle cycle) {
  Described described{std::move(cycle), {}};
  for (const CycleParty& party : described.cycle.parties) {
    WaiterOnBoard waiter;
    if (!shared::read_note(party.number, &waiter.note, &waiter.text) ||
        waiter.note.wait != party.wait) {
      described.parties.clear();
      return described;
    }
    waiter.thread = shared::identify(party.number);
    described.parties.push_back(waiter);
  }
  return described;
}

// (filename, line, function), or None.
PyObject* place_of(const WaiterOnBoard& waiter) {
  if (waiter.text.file.front() == '\0') return Py_NewRef(Py_None);
  return Py_BuildValue("NiN", describe_name(waiter.text.file.data()), waiter.note.line,
                       describe_name(waiter.text.function.data()));
}

// (pid, tid, ident, process, thread, kind, lock's name, its number, is it shared, wants_mode,
// holds_mode, place). The numbers of different locks differ, those of one process at least.
PyObject* party_tuple(const WaiterOnBoard& waiter, Mode holds_as) {
  const shared::WaitSnapshot& note = waiter.note;
  return Py_BuildValue("iiKNNsNKOssN", waiter.thread.pid, waiter.thread.tid,
                       static_cast<unsigned long long>(note.ident),
                       describe_name(waiter.text.process.data()),
                       describe_name(waiter.text.thread.data()), waiter.text.kind.data(),
                       describe_name(waiter.text.lock.data()),
                       static_cast<unsigned long long>(note.uid != 0 ? note.uid : note.lock),
                       note.uid != 0 ? Py_True : Py_False, mode_name(note.mode()),
                       mode_name(holds_as), place_of(waiter));
}

PyObject* party_tuples(const Described& described) {
  PyObject* tuples = PyTuple_New(static_cast<Py_ssize_t>(described.parties.size()));
  for (std::size_t i = 0; tuples != nullptr && i < described.parties.size(); ++i) {
    PyObject* tuple = party_tuple(described.parties[i], described.cycle.parties[i].holds_as);
    if (tuple == nullptr) {
      Py_CLEAR(tuples);
    } else {
      PyTuple_SET_ITEM(tuples, static_cast<Py_ssize_t>(i), tuple);
    }
  }
  return tuples;
}

bool has_signature(const std::vector<Described>& all, std::uint64_t signature) {
  for (const Described& known : all) {
    if (known.cycle.signature == signature) return true;
  }
  return false;
}

}  // namespace

Reported report_shared_deadlock(shared::WaitWatch& watch) {
  Described described;
  try {
    Cycle cycle = shared::find_cycle(shared::this_thread_number());
    if (cycle.signature == watch.signature()) described = describe(std::move(cycle));
  } catch (const std::bad_alloc&) {
    watch.end();
    PyErr_NoMemory();
    return Reported::gives_up;
  }
  watch.end();
  if (described.parties.empty()) {
    watch.forget();
    return Reported::dissolved;
  }
  const bool is_certain = described.cycle.is_certain;
  const bool raises = is_certain || deadlock_settings().raises.load(std::memory_order_relaxed);
  PyObject* parties = party_tuples(described);
  PyObject* answer =
      parties == nullptr
          ? nullptr
          : call_event("between_processes", Py_BuildValue("ONO", is_certain ? Py_True : Py_False,
                                                          parties, raises ? Py_True : Py_False));
  if (answer != nullptr && Py_IsNone(answer)) {
    Py_DECREF(answer);
    return Reported::goes_on;
  }
  // If the report could not be made there is an error already, which will do.
  if (answer != nullptr) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(answer)), answer);
    Py_DECREF(answer);
  }
  return Reported::gives_up;
}

PyObject* find_shared_deadlocks() {
  std::vector<Described> all;
  try {
    for (const shared::ThreadNumber thread : shared::own_waiters()) {
      Cycle cycle = shared::find_cycle(thread);
      if (cycle.state != Cycle::State::proven || has_signature(all, cycle.signature)) continue;
      Described described = describe(std::move(cycle));
      if (!described.parties.empty()) all.push_back(std::move(described));
    }
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  PyObject* list = PyList_New(0);
  for (const Described& described : all) {
    PyObject* parties = list == nullptr ? nullptr : party_tuples(described);
    PyObject* item =
        parties == nullptr
            ? nullptr
            : Py_BuildValue("ON", described.cycle.is_certain ? Py_True : Py_False, parties);
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  return list;
}

PyObject* list_shared_waiters(std::uint64_t uid) {
  std::vector<WaiterOnBoard> waiters;
  try {
    waiters = shared::waiters_of(uid);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  PyObject* list = PyList_New(0);
  for (const WaiterOnBoard& waiter : waiters) {
    PyObject* item =
        list == nullptr ? nullptr
                        : Py_BuildValue("iisONNN", waiter.thread.pid, waiter.thread.tid,
                                        mode_name(waiter.note.mode()),
                                        waiter.note.is_timed() ? Py_True : Py_False,
                                        describe_name(waiter.text.process.data()),
                                        describe_name(waiter.text.thread.data()), place_of(waiter));
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  return list;
}

}  // namespace nativeconc::seam
