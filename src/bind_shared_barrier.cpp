// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Barrier.
#include <string>

#include "barrier_arguments.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "heap_type.hpp"
#include "nativeconc/shared/barrier.hpp"
#include "shared_object.hpp"
#include "stats.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

using shared::Barrier;
using shared::ThreadNumber;
using Outcome = Barrier::Outcome;
using Role = Barrier::Role;

constexpr shared::PrimitiveKind kKind = shared::PrimitiveKind::barrier;
constexpr std::size_t kSize = sizeof(shared::Primitive<Barrier>);

// The action and the timeout are this process's own.
struct BarrierObject {
  SharedObject base;
  PyObject* action;   // a callable, or null
  PyObject* timeout;  // seconds, or null
};

BarrierObject* barrier_object(PyObject* self) { return reinterpret_cast<BarrierObject*>(self); }
Barrier& core(PyObject* self) { return shared_state<Barrier>(self); }

// Of the thread that runs now, which is another one if a signal handler, or the action, has forked.
ThreadNumber this_thread() { return shared::detail::this_thread_number; }

shared::SharedWant want_all(void* wait) { return want_of(*static_cast<PyObject**>(wait)); }

// --- what needs the barrier's mutex
//
// It is held for some instructions only, but a process may be stopped in the midst of them.

struct MutexWait {
  PyObject* self;
  Barrier::Place place;
  Barrier::Arrival arrival;
  Outcome outcome = Outcome::open;
};
using Step = WaitResult (*)(void* wait, Deadline deadline);

WaitResult arrive(void* wait, Deadline deadline) {
  auto* self = static_cast<MutexWait*>(wait);
  self->arrival = core(self->self).arrive(this_thread(), deadline);
  if (self->arrival.role == Role::timed_out) return WaitResult::timed_out;
  return self->arrival.role == Role::interrupted ? WaitResult::interrupted : WaitResult::acquired;
}

WaitResult finish(void* wait, Deadline deadline) {
  auto* self = static_cast<MutexWait*>(wait);
  const Outcome result =
      core(self->self).finish(this_thread(), self->place, self->outcome, deadline);
  if (result == Outcome::timed_out) return WaitResult::timed_out;
  if (result == Outcome::interrupted) return WaitResult::interrupted;
  self->outcome = result;
  return WaitResult::acquired;
}

WaitResult abort(void* wait, Deadline deadline) {
  return core(static_cast<MutexWait*>(wait)->self).abort(this_thread(), deadline);
}

WaitResult reset(void* wait, Deadline deadline) {
  return core(static_cast<MutexWait*>(wait)->self).reset(this_thread(), deadline);
}

// At once, if the mutex is free; else it waits for it.
Waited do_under_mutex(MutexWait* wait, Step step, Deadline deadline) {
  if (step(wait, Deadline::expired()) == WaitResult::acquired) [[likely]]
    return Waited::acquired;
  return wait_for({wait, step, nullptr, &lock_header(wait->self)->stats,
                   &shared_object(wait->self)->primitive->totals, want_all},
                  deadline);
}

// --- waiting

struct RoundWait {
  PyObject* self;
  Barrier::Place place;
};

WaitResult sleep(void* wait, Deadline deadline) {
  const auto* self = static_cast<RoundWait*>(wait);
  return core(self->self).wait(this_thread(), self->place, deadline);
}

// The last to arrive: runs the action and lets everybody go, or breaks the barrier for all.
PyObject* act_and_finish(PyObject* self, const Barrier::Arrival& arrival) {
  PyObject* action = Py_XNewRef(barrier_object(self)->action);
  PyObject* answer = action == nullptr ? Py_NewRef(Py_None) : PyObject_CallNoArgs(action);
  Py_XDECREF(action);
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  MutexWait wait{self, arrival.place, {}, answer == nullptr ? Outcome::broken : Outcome::tripped};
  const Waited waited = do_under_mutex(&wait, finish, Deadline::never());
  if (waited != Waited::acquired) {
    core(self).abandon(this_thread(), arrival.place);
    Py_XDECREF(answer);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return nullptr;
  }
  PyErr_Restore(type, value, traceback);
  if (answer == nullptr) return nullptr;
  Py_DECREF(answer);
  if (wait.outcome != Outcome::tripped) return raise_broken_barrier();
  return PyLong_FromUnsignedLong(arrival.index);
}

Outcome give_up(PyObject* self, const Barrier::Place& place) {
  PyThreadState* state = release_gil();
  const Outcome outcome = core(self).leave(this_thread(), place, Barrier::Leaving::give_up);
  take_gil(state);
  return outcome;
}

PyObject* wait_for_others(PyObject* self, const Barrier::Arrival& arrival, Deadline deadline) {
  RoundWait wait{self, arrival.place};
  const Waitable what{
      &wait,   sleep, nullptr, &lock_header(self)->stats, &shared_object(self)->primitive->totals,
      want_all};
  Waited waited = wait_for(what, deadline);
  Outcome outcome = Outcome::complete;
  if (waited == Waited::timed_out) outcome = give_up(self, arrival.place);
  if (waited == Waited::timed_out && outcome == Outcome::complete) {
    // It is only a matter of the action now: the deadline is over and done with.
    waited = wait_for(what, Deadline::never());
  }
  if (outcome == Outcome::complete) {
    outcome = core(self).leave(this_thread(), arrival.place, Barrier::Leaving::go);
  }
  if (waited == Waited::error || waited == Waited::deadlock) return nullptr;
  if (outcome != Outcome::tripped) return raise_broken_barrier();
  return PyLong_FromUnsignedLong(arrival.index);
}

PyObject* wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Deadline deadline = Deadline::never();
  ThreadNumber me = shared::kNobody;
  if (!is_made(self) ||
      !parse_barrier_wait(args, nargs, kwnames, barrier_object(self)->timeout, &deadline) ||
      !get_thread_number(&me)) {
    return nullptr;
  }
  MutexWait arriving{self, {}, {}};
  const Waited waited = do_under_mutex(&arriving, arrive, deadline);
  if (waited == Waited::timed_out) return raise_broken_barrier();
  if (waited != Waited::acquired) return nullptr;
  const Barrier::Arrival& arrival = arriving.arrival;
  switch (arrival.role) {
    case Role::last:
      return act_and_finish(self, arrival);
    case Role::waits:
      return wait_for_others(self, arrival, deadline);
    case Role::no_room:
      PyErr_Format(PyExc_RuntimeError, "%lu threads are at this barrier: no more can come",
                   static_cast<unsigned long>(Barrier::kMostParties));
      return nullptr;
    default:
      return raise_broken_barrier();
  }
}

// abort() and reset()
PyObject* change(PyObject* self, Step step) {
  ThreadNumber me = shared::kNobody;
  if (!is_made(self) || !get_thread_number(&me)) return nullptr;
  MutexWait wait{self, {}, {}};
  if (do_under_mutex(&wait, step, Deadline::never()) != Waited::acquired) return nullptr;
  Py_RETURN_NONE;
}

PyObject* barrier_abort(PyObject* self, PyObject*) { return change(self, abort); }
PyObject* barrier_reset(PyObject* self, PyObject*) { return change(self, reset); }

// --- the object

// What there is of it in this process alone; both may be None.
void set_own(PyObject* self, PyObject* action, PyObject* timeout) {
  barrier_object(self)->action = action == Py_None ? nullptr : Py_NewRef(action);
  barrier_object(self)->timeout = timeout == Py_None ? nullptr : Py_NewRef(timeout);
}

void initialize(std::byte* memory, const void* parties) {
  reinterpret_cast<shared::Primitive<Barrier>*>(memory)->state.set_parties(
      *static_cast<const std::uint32_t*>(parties));
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"parties", "action", "timeout", "name", nullptr};
  PyObject* parties = nullptr;
  PyObject* action = Py_None;
  PyObject* timeout = Py_None;
  PyObject* name = Py_None;
  std::uint32_t n = 0;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO$O:Barrier", const_cast<char**>(keywords),
                                  &parties, &action, &timeout, &name) == 0 ||
      !parse_barrier(parties, Barrier::kMostParties, action, timeout, &n)) {
    return -1;
  }
  const PrimitiveRequest request{kKind, "Barrier parties=" + std::to_string(n), kSize, initialize,
                                 &n};
  if (!make_shared(self, request, name)) return -1;
  set_own(self, action, timeout);
  return 0;
}

// _over(buffer, action=None, timeout=None)
PyObject* over(PyObject* type, PyObject* args) {
  PyObject* buffer = nullptr;
  PyObject* action = Py_None;
  PyObject* timeout = Py_None;
  std::uint32_t n = 0;
  if (PyArg_ParseTuple(args, "O|OO:_over", &buffer, &action, &timeout) == 0) return nullptr;
  PyObject* one = PyLong_FromLong(1);
  const bool is_good = one != nullptr && parse_barrier(one, 1, action, timeout, &n);
  Py_XDECREF(one);
  if (!is_good) return nullptr;
  PyObject* self = make_over(reinterpret_cast<PyTypeObject*>(type), buffer, kKind, kSize);
  if (self != nullptr) set_own(self, action, timeout);
  return self;
}

PyObject* reduce(PyObject* self, PyObject*) {
  PyObject* const action = barrier_object(self)->action;
  PyObject* const timeout = barrier_object(self)->timeout;
  return reduce_shared(self, PyTuple_Pack(2, action == nullptr ? Py_None : action,
                                          timeout == nullptr ? Py_None : timeout));
}

PyObject* parties(PyObject* self, void*) {
  return is_made(self) ? PyLong_FromUnsignedLong(core(self).parties()) : nullptr;
}

PyObject* n_waiting(PyObject* self, void*) {
  return is_made(self) ? PyLong_FromUnsignedLong(core(self).waiting()) : nullptr;
}

PyObject* broken(PyObject* self, void*) {
  return is_made(self) ? PyBool_FromLong(core(self).is_broken() ? 1 : 0) : nullptr;
}

PyObject* stats(PyObject* self, PyObject*) { return make_shared_stats(self, shared::kNobody); }

PyObject* repr(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return shared_state_repr(self, "unmade");
  if (core(self).is_broken()) return shared_state_repr(self, "broken");
  const std::string state = "waiters=" + std::to_string(core(self).waiting()) + "/" +
                            std::to_string(core(self).parties());
  return shared_state_repr(self, state.c_str());
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
  clear(self);
  dealloc_shared(self);
}

PyMethodDef methods[] = {
    {"wait", as_method(wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\n"
     "Wait until all parties have come. Returns how many had come before this one: 0 to\n"
     "parties - 1. The last one runs its own action first, while the others wait on.\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None means the barrier's own timeout. When the time "
     "is\n"
     "        up the barrier breaks, for everybody.\n\n"
     "Raises:\n"
     "    BrokenBarrierError: the barrier is broken, or broken or reset while waiting; or one who\n"
     "        had come has died.\n"
     "    RuntimeError: 1024 threads have come and not gone on yet.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; it is not counted any more.\n"
     "    ValueError, OverflowError: the timeout is NaN, or above threading.TIMEOUT_MAX.\n\n"
     "Releases the GIL while it waits."},
    {"reset", barrier_reset, METH_NOARGS,
     "reset($self, /)\n--\n\n"
     "Make the barrier as new. Those who wait, in all processes, get a BrokenBarrierError."},
    {"abort", barrier_abort, METH_NOARGS,
     "abort($self, /)\n--\n\n"
     "Break the barrier: those who wait, and those who come, get a BrokenBarrierError until it is\n"
     "reset."},
    {"stats", stats, METH_NOARGS, kStatsDoc},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_over", over, METH_VARARGS | METH_CLASS, "A barrier over the memory of another: pickle's."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    shared_properties[0],
    shared_properties[1],
    {"parties", parties, nullptr, "How many threads must come.", nullptr},
    {"n_waiting", n_waiting, nullptr, "How many threads have come and wait.", nullptr},
    {"broken", broken, nullptr, "Whether the barrier is broken.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Barrier(parties, action=None, timeout=None, *, name=None)\n--\n\n"
         "A meeting point for so many threads of several processes.\n\n"
         "As nativeconc.Barrier. When one that has come dies before all go on, or while it runs "
         "the\n"
         "action, the barrier breaks for all who wait and come, until it is reset. Pickles as a\n"
         "handle of the same barrier. Can be subclassed and weakly referenced.\n\n"
         "Args:\n"
         "    parties: how many threads must come before they all go on, 1 to 1024.\n"
         "    action: called without arguments by the last one to come, in its process: each has\n"
         "        its own, which goes along with a pickled handle. If it raises, the barrier "
         "breaks.\n"
         "    timeout: seconds that wait() waits when it is not told otherwise; None: for ever. "
         "Each\n"
         "        process's own, too.\n"
         "    name: what unrelated processes know it by; the first makes it, and it goes with the\n"
         "        last. None: only those to whom it is handed have it.\n\n"
         "Raises:\n"
         "    ValueError: parties is out of range, or the name cannot be one, or belongs to "
         "something\n"
         "        else, or to a barrier for other parties.\n"
         "    TypeError: an argument of the wrong type.\n"
         "    SegmentError, SharedMemoryFull, OSError: as shared.Buffer.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(init)},
    {Py_tp_dealloc, as_slot(dealloc)},
    {Py_tp_traverse, as_slot(traverse)},
    {Py_tp_clear, as_slot(clear)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.Barrier", sizeof(BarrierObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

void bind_shared_barrier(py::module_& m) { add_shared_type(m, spec); }

}  // namespace nativeconc::seam
