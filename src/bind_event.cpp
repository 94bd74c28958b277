// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.Event.
#include <cstddef>
#include <new>

#include "bindings.hpp"
#include "condition_object.hpp"
#include "heap_type.hpp"
#include "nativeconc/sync/event.hpp"
#include "stats.hpp"
#include "timeout.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

struct EventObject {
  PyObject_HEAD sync::Event event;
  sync::WaitStats stats;
  PyObject* weakrefs;
  PyObject* condition;  // see event_cond; null until asked for
};

EventObject* event_object(PyObject* self) { return reinterpret_cast<EventObject*>(self); }
sync::Event& core(PyObject* self) { return event_object(self)->event; }

struct EventWait {
  sync::Event& event;
  std::uint64_t epoch;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<EventWait*>(wait);
  if (kMaySpin && self->event.spin(self->epoch)) return WaitResult::acquired;
  return self->event.wait(self->epoch, deadline);
}

PyObject* event_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  new (&core(self)) sync::Event;
  new (&event_object(self)->stats) sync::WaitStats;
  return self;
}

int event_init(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {nullptr};
  return PyArg_ParseTupleAndKeywords(args, kwargs, ":Event", const_cast<char**>(keywords)) != 0
             ? 0
             : -1;
}

void event_dealloc(PyObject* self) {
  if (event_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  Py_CLEAR(event_object(self)->condition);
  free_instance(self);
}

PyObject* event_is_set(PyObject* self, PyObject*) { return PyBool_FromLong(core(self).is_set()); }

PyObject* event_set(PyObject* self, PyObject*) {
  core(self).set();
  Py_RETURN_NONE;
}

PyObject* event_clear(PyObject* self, PyObject*) {
  core(self).clear();
  Py_RETURN_NONE;
}

PyObject* event_wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Deadline deadline = Deadline::never();
  if (!parse_wait(args, nargs, kwnames, &deadline)) return nullptr;
  EventWait wait{core(self), core(self).epoch()};
  if (core(self).is_set()) Py_RETURN_TRUE;
  return acquire_result(wait_for({&wait, sleep, nullptr, &event_object(self)->stats}, deadline));
}

PyObject* event_stats(PyObject* self, PyObject*) { return make_stats(event_object(self)->stats); }

// threading.Event is made of a Condition over a Lock, and some look inside (CPython's own tests of
// events do). Ours is not; this one is for them alone.
PyObject* event_cond(PyObject* self, void*) {
  PyObject* condition = nullptr;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  if (event_object(self)->condition == nullptr) {
    event_object(self)->condition = new_condition_over_lock();
  }
  condition = Py_XNewRef(event_object(self)->condition);
  NATIVECONC_END_EXCLUSIVE();
  return condition;
}

// Nobody waits in a child, so there is nothing to repair; the flag stays, as threading's does.
PyObject* event_at_fork_reinit(PyObject* self, PyObject*) {
  PyObject* condition = event_object(self)->condition;
  if (condition == nullptr) Py_RETURN_NONE;
  return PyObject_CallMethod(condition, "_at_fork_reinit", nullptr);
}

PyObject* event_repr(PyObject* self) {
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  PyObject* repr =
      PyUnicode_FromFormat("<%U at %p: %s>", type, self, core(self).is_set() ? "set" : "unset");
  Py_DECREF(type);
  return repr;
}

PyMethodDef methods[] = {
    {"is_set", event_is_set, METH_NOARGS,
     "is_set($self, /)\n--\n\nReturn whether the flag is set."},
    {"isSet", event_is_set, METH_NOARGS, "isSet($self, /)\n--\n\nAn old name of is_set()."},
    {"set", event_set, METH_NOARGS,
     "set($self, /)\n--\n\nSet the flag and wake everybody who waits for it. Never blocks."},
    {"clear", event_clear, METH_NOARGS, "clear($self, /)\n--\n\nClear the flag. Never blocks."},
    {"wait", as_method(event_wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\n"
     "Wait until the flag is set. Returns True, or False if the time was up first. A thread that\n"
     "waits when the flag is set gets through even if it is cleared again at once.\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None waits for ever, a negative number not at all.\n\n"
     "Raises:\n"
     "    ValueError: the timeout is NaN.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"stats", event_stats, METH_NOARGS, kStatsDoc},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {"_at_fork_reinit", event_at_fork_reinit, METH_NOARGS,
     "For threading.Thread, which calls it in a child just forked."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(EventObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"_cond", event_cond, nullptr, "A Condition over a Lock, which the event itself does not use.",
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Event()\n--\n\n"
         "A flag that threads wait for: a drop-in for threading.Event, and faster.\n\n"
         "Can be subclassed and weakly referenced, not pickled. A forked child finds the flag as\n"
         "it was; waiters of the parent are forgotten.")},
    {Py_tp_new, as_slot(event_new)},
    {Py_tp_init, as_slot(event_init)},
    {Py_tp_dealloc, as_slot(event_dealloc)},
    {Py_tp_repr, as_slot(event_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.Event", sizeof(EventObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void bind_event(py::module_& m) { add_heap_type(m, spec); }

}  // namespace nativeconc::seam
