// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.Barrier, and nc.BrokenBarrierError, which is threading's.
#include <cstddef>
#include <new>

#include "barrier_arguments.hpp"
#include "bindings.hpp"
#include "heap_type.hpp"
#include "nativeconc/sync/barrier.hpp"
#include "stats.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

using sync::Barrier;

struct BarrierObject {
  PyObject_HEAD Barrier barrier;
  sync::WaitStats stats;
  PyObject* action;   // a callable, or null
  PyObject* timeout;  // seconds, or null
  PyObject* weakrefs;
};

BarrierObject* barrier_object(PyObject* self) { return reinterpret_cast<BarrierObject*>(self); }
Barrier& core(PyObject* self) { return barrier_object(self)->barrier; }

struct BarrierWait {
  Barrier& barrier;
  Barrier::Round& round;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<BarrierWait*>(wait);
  return self->barrier.wait(self->round, deadline);
}

// A new reference, or null if there is none: another thread may initialise the barrier again.
PyObject* shared(PyObject* self, PyObject* BarrierObject::* member) {
  PyObject* value = nullptr;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  value = Py_XNewRef(barrier_object(self)->*member);
  NATIVECONC_END_EXCLUSIVE();
  return value;
}

// The last to arrive: runs the action and lets everybody go, or breaks the barrier for all.
PyObject* finish(PyObject* self, const Barrier::Arrival& arrival) {
  PyObject* action = shared(self, &BarrierObject::action);
  PyObject* answer = action == nullptr ? Py_NewRef(Py_None) : PyObject_CallNoArgs(action);
  Py_XDECREF(action);
  core(self).finish(arrival.round,
                    answer == nullptr ? Barrier::Outcome::broken : Barrier::Outcome::tripped);
  if (answer == nullptr) return nullptr;
  Py_DECREF(answer);
  return PyLong_FromUnsignedLong(arrival.index);
}

PyObject* wait_for_others(PyObject* self, const Barrier::Arrival& arrival, Deadline deadline) {
  BarrierWait wait{core(self), *arrival.round};
  Waited waited = wait_for({&wait, sleep, nullptr, &barrier_object(self)->stats}, deadline);
  Barrier::Outcome outcome =
      core(self).leave(arrival.round, waited == Waited::timed_out ? Barrier::Leaving::give_up
                                                                  : Barrier::Leaving::go);
  if (outcome == Barrier::Outcome::complete) {
    // It is only a matter of the action now: the deadline is over and done with.
    waited = wait_for({&wait, sleep, nullptr, &barrier_object(self)->stats}, Deadline::never());
    outcome = core(self).leave(arrival.round, Barrier::Leaving::go);
  }
  if (waited == Waited::error) return nullptr;
  if (outcome != Barrier::Outcome::tripped) return raise_broken_barrier();
  return PyLong_FromUnsignedLong(arrival.index);
}

PyObject* barrier_wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Deadline deadline = Deadline::never();
  PyObject* timeout = shared(self, &BarrierObject::timeout);
  const bool parsed = parse_barrier_wait(args, nargs, kwnames, timeout, &deadline);
  Py_XDECREF(timeout);
  if (!parsed) return nullptr;
  const Barrier::Arrival arrival = core(self).arrive();
  switch (arrival.role) {
    case Barrier::Role::last:
      return finish(self, arrival);
    case Barrier::Role::waits:
      return wait_for_others(self, arrival, deadline);
    case Barrier::Role::no_memory:
      return PyErr_NoMemory();
    default:
      return raise_broken_barrier();
  }
}

PyObject* barrier_reset(PyObject* self, PyObject*) {
  core(self).reset();
  Py_RETURN_NONE;
}

PyObject* barrier_abort(PyObject* self, PyObject*) {
  core(self).abort();
  Py_RETURN_NONE;
}

PyObject* barrier_parties(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(core(self).parties());
}

PyObject* barrier_n_waiting(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(core(self).waiting());
}

PyObject* barrier_broken(PyObject* self, void*) { return PyBool_FromLong(core(self).is_broken()); }

PyObject* barrier_stats(PyObject* self, PyObject*) {
  return make_stats(barrier_object(self)->stats);
}

PyObject* barrier_repr(PyObject* self) {
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  PyObject* repr = core(self).is_broken()
                       ? PyUnicode_FromFormat("<%U at %p: broken>", type, self)
                       : PyUnicode_FromFormat("<%U at %p: waiters=%lu/%lu>", type, self,
                                              static_cast<unsigned long>(core(self).waiting()),
                                              static_cast<unsigned long>(core(self).parties()));
  Py_DECREF(type);
  return repr;
}

PyObject* barrier_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  new (&core(self)) Barrier(1);
  new (&barrier_object(self)->stats) sync::WaitStats;
  return self;
}

int barrier_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"parties", "action", "timeout", nullptr};
  PyObject* parties = nullptr;
  PyObject* action = Py_None;
  PyObject* timeout = Py_None;
  std::uint32_t n = 0;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:Barrier", const_cast<char**>(keywords),
                                  &parties, &action, &timeout) == 0 ||
      !parse_barrier(parties, 0x7fff'ffff, action, timeout, &n)) {
    return -1;
  }
  core(self).reinit(n);
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  Py_XSETREF(barrier_object(self)->action, action == Py_None ? nullptr : Py_NewRef(action));
  Py_XSETREF(barrier_object(self)->timeout, timeout == Py_None ? nullptr : Py_NewRef(timeout));
  NATIVECONC_END_EXCLUSIVE();
  return 0;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(barrier_object(self)->action);
  Py_VISIT(barrier_object(self)->timeout);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(barrier_object(self)->action);
  Py_CLEAR(barrier_object(self)->timeout);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (barrier_object(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  clear(self);
  free_instance(self);
}

PyMethodDef methods[] = {
    {"wait", as_method(barrier_wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\n"
     "Wait until all parties have come. Returns how many had come before this one: 0 to\n"
     "parties - 1. The last one runs the action first, while the others wait on.\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None means the barrier's own timeout. When the time "
     "is\n"
     "        up the barrier breaks, for everybody.\n\n"
     "Raises:\n"
     "    BrokenBarrierError: the barrier is broken, or broken or reset while waiting.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; it is not counted any more.\n"
     "    ValueError, OverflowError: the timeout is NaN, or above threading.TIMEOUT_MAX.\n\n"
     "Releases the GIL while it waits."},
    {"reset", barrier_reset, METH_NOARGS,
     "reset($self, /)\n--\n\n"
     "Make the barrier as new. Those who wait get a BrokenBarrierError. Never blocks."},
    {"abort", barrier_abort, METH_NOARGS,
     "abort($self, /)\n--\n\n"
     "Break the barrier: those who wait, and those who come, get a BrokenBarrierError until it is\n"
     "reset. Never blocks."},
    {"stats", barrier_stats, METH_NOARGS, kStatsDoc},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"parties", barrier_parties, nullptr, "How many threads must come.", nullptr},
    {"n_waiting", barrier_n_waiting, nullptr, "How many threads have come and wait.", nullptr},
    {"broken", barrier_broken, nullptr, "Whether the barrier is broken.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(BarrierObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Barrier(parties, action=None, timeout=None)\n--\n\n"
         "A meeting point for so many threads: a drop-in for threading.Barrier, and faster.\n\n"
         "Can be subclassed and weakly referenced, not pickled. A forked child forgets those of\n"
         "its parent who had come.\n\n"
         "Args:\n"
         "    parties: how many threads must come before they all go on.\n"
         "    action: called without arguments by the last one to come. If it raises, the barrier\n"
         "        breaks.\n"
         "    timeout: seconds that wait() waits when it is not told otherwise; None: for ever.\n\n"
         "Raises:\n"
         "    ValueError: parties is less than 1.\n"
         "    TypeError: an argument of the wrong type.")},
    {Py_tp_new, as_slot(barrier_new)},
    {Py_tp_init, as_slot(barrier_init)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_repr, as_slot(barrier_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.Barrier", sizeof(BarrierObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

void bind_barrier(py::module_& m) {
  add_heap_type(m, spec);
  const py::object error = py::module_::import("threading").attr("BrokenBarrierError");
  m.attr("BrokenBarrierError") = error;
  broken_barrier_error = error.inc_ref().ptr();
}

}  // namespace nativeconc::seam
