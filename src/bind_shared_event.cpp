// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Event.
#include "bindings.hpp"
#include "heap_type.hpp"
#include "nativeconc/shared/event.hpp"
#include "shared_object.hpp"
#include "stats.hpp"
#include "timeout.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

constexpr shared::PrimitiveKind kKind = shared::PrimitiveKind::event;
constexpr std::size_t kSize = sizeof(shared::Primitive<shared::Event>);

shared::Event& core(PyObject* self) { return shared_state<shared::Event>(self); }

struct EventWait {
  PyObject* self;
  std::uint64_t epoch;
};

WaitResult sleep(void* wait, Deadline deadline) {
  const auto* self = static_cast<EventWait*>(wait);
  if (core(self->self).spin(self->epoch)) return WaitResult::acquired;
  return core(self->self).wait(self->epoch, deadline);
}

shared::SharedWant shared_want(void* wait) { return want_of(static_cast<EventWait*>(wait)->self); }

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"name", nullptr};
  PyObject* name = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|$O:Event", const_cast<char**>(keywords), &name) ==
      0) {
    return -1;
  }
  return make_shared(self, {kKind, "Event", kSize, nullptr, nullptr}, name) ? 0 : -1;
}

PyObject* over(PyObject* type, PyObject* buffer) {
  return make_over(reinterpret_cast<PyTypeObject*>(type), buffer, kKind, kSize);
}

PyObject* reduce(PyObject* self, PyObject*) { return reduce_shared(self, PyTuple_New(0)); }

PyObject* is_set(PyObject* self, PyObject*) {
  return is_made(self) ? PyBool_FromLong(core(self).is_set() ? 1 : 0) : nullptr;
}

PyObject* set(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  core(self).set();
  Py_RETURN_NONE;
}

PyObject* clear(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  core(self).clear();
  Py_RETURN_NONE;
}

PyObject* wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Deadline deadline = Deadline::never();
  if (!is_made(self) || !parse_wait(args, nargs, kwnames, &deadline)) return nullptr;
  EventWait wait{self, core(self).epoch()};
  if (core(self).is_set()) Py_RETURN_TRUE;
  return acquire_result(wait_for({&wait, sleep, nullptr, &lock_header(self)->stats,
                                  &shared_object(self)->primitive->totals, shared_want},
                                 deadline));
}

PyObject* stats(PyObject* self, PyObject*) { return make_shared_stats(self, shared::kNobody); }

PyObject* repr(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return shared_state_repr(self, "unmade");
  return shared_state_repr(self, core(self).is_set() ? "set" : "unset");
}

PyMethodDef methods[] = {
    {"is_set", is_set, METH_NOARGS, "is_set($self, /)\n--\n\nReturn whether the flag is set."},
    {"isSet", is_set, METH_NOARGS, "isSet($self, /)\n--\n\nAn old name of is_set()."},
    {"set", set, METH_NOARGS,
     "set($self, /)\n--\n\nSet the flag and wake everybody who waits for it, in all processes.\n"
     "Never blocks."},
    {"clear", clear, METH_NOARGS, "clear($self, /)\n--\n\nClear the flag. Never blocks."},
    {"wait", as_method(wait), METH_FASTCALL | METH_KEYWORDS,
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
    {"stats", stats, METH_NOARGS, kStatsDoc},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_over", over, METH_O | METH_CLASS, "An event over the memory of another: pickle's."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Event(*, name=None)\n--\n\n"
         "A flag that threads of several processes wait for.\n\n"
         "As nativeconc.Event. A process that dies leaves the flag as it is, and whoever waited "
         "is\n"
         "forgotten; if it dies in the middle of set(), the flag is set and all wake, or it is\n"
         "not. Pickles as a handle of the same event. Can be subclassed and weakly referenced.\n\n"
         "Args:\n"
         "    name: what unrelated processes know it by; the first makes it, and it goes with the\n"
         "        last. None: only those to whom it is handed have it.\n\n"
         "Raises:\n"
         "    ValueError: the name cannot be one, or belongs to something else.\n"
         "    SegmentError, SharedMemoryFull, OSError: as shared.Buffer.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(init)},
    {Py_tp_dealloc, as_slot(dealloc_shared)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, shared_properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.Event", sizeof(SharedObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void bind_shared_event(py::module_& m) { add_shared_type(m, spec); }

}  // namespace nativeconc::seam
