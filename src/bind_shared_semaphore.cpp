// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Semaphore and shared.BoundedSemaphore: one implementation, which differs in the bound.
#include <memory>
#include <new>

#include "bindings.hpp"
#include "errors.hpp"
#include "lock_operations.hpp"
#include "nativeconc/shared/semaphore.hpp"
#include "nativeconc/shared/slice.hpp"
#include "permit_arguments.hpp"
#include "shared_object.hpp"
#include "stats.hpp"
#include "timed_entry.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

using shared::PrimitiveKind;
using shared::Semaphore;
using Caller = Semaphore::Caller;
using Entry = Semaphore::Entry;
using Release = Semaphore::Release;

Semaphore& core(PyObject* self) { return shared_state<Semaphore>(self); }

bool get_caller(Caller* me) {
  if (!get_thread_number(&me->thread)) return false;
  try {
    me->process = shared::this_process_number();
    return true;
  } catch (...) {
    set_error_from_current_exception();
    return false;
  }
}

// --- taking

struct PermitWait {
  PyObject* self;
  Semaphore& semaphore;
  Caller me;
  bool is_try;
  Semaphore::Waiter waiter;
  Entry entry = Entry::timed_out;
};

// A try ends with the first answer; it waits for no permit, but perhaps for another process that
// was stopped in the middle of something.
WaitResult sleep_for_permit(void* wait, Deadline deadline) {
  auto* self = static_cast<PermitWait*>(wait);
  self->entry = self->is_try ? self->semaphore.try_acquire(self->me, deadline)
                             : self->semaphore.acquire(self->me, deadline, self->waiter);
  switch (self->entry) {
    case Entry::interrupted:
      return WaitResult::interrupted;
    case Entry::stuck:
      return WaitResult::timed_out;
    case Entry::timed_out:
      return self->is_try ? WaitResult::acquired : WaitResult::timed_out;
    default:
      return WaitResult::acquired;
  }
}

bool renew_waiter(void* wait) {
  auto* self = static_cast<PermitWait*>(wait);
  std::destroy_at(&self->waiter);
  std::construct_at(&self->waiter);
  return get_caller(&self->me);
}

// Nobody owns it: others can only see who waits.
shared::SharedWant want_permit(void* wait) {
  const auto* self = static_cast<const PermitWait*>(wait);
  shared::SharedWant want;
  want.primitive = self->self;
  want.uid = shared_object(self->self)->primitive->uid;
  return want;
}

Waited result_of(Entry entry) {
  if (entry == Entry::acquired) return Waited::acquired;
  if (entry != Entry::no_room) return Waited::timed_out;
  PyErr_Format(PyExc_OverflowError, "%zu other processes hold permits of this semaphore already",
               Semaphore::kRows);
  return Waited::error;
}

Waited wait_for_permit(PyObject* self, Caller me, bool is_try, Deadline deadline) {
  PermitWait wait{self, core(self), me, is_try, {}};
  const Waited waited =
      wait_for({&wait, sleep_for_permit, nullptr, &lock_header(self)->stats,
                &shared_object(self)->primitive->totals, want_permit, renew_waiter},
               deadline);
  return waited == Waited::acquired ? result_of(wait.entry) : waited;
}

Waited attempt(PyObject* self) {
  Caller me;
  if (!is_made(self) || !get_caller(&me)) return Waited::error;
  const Entry entry = core(self).try_acquire(me, Deadline::expired());
  if (entry != Entry::stuck) [[likely]]
    return result_of(entry);
  return wait_for_permit(self, me, true, Deadline::after(shared::kSliceNs));
}

Waited take(PyObject* self, Deadline deadline) {
  Caller me;
  if (!is_made(self) || !get_caller(&me)) return Waited::error;
  const Entry entry = core(self).try_acquire(me, Deadline::expired());
  if (entry == Entry::acquired || entry == Entry::no_room) [[likely]]
    return result_of(entry);
  if (kMaySpin && core(self).spin(me)) return Waited::acquired;
  return wait_for_permit(self, me, false, deadline);
}

// --- giving

struct ReleaseWait {
  Semaphore& semaphore;
  Caller me;
  std::uint32_t n;
  Release result = Release::stuck;
};

WaitResult sleep_to_release(void* wait, Deadline deadline) {
  auto* self = static_cast<ReleaseWait*>(wait);
  self->result = self->semaphore.release(self->me, self->n, deadline);
  if (self->result == Release::stuck) return WaitResult::timed_out;
  if (self->result == Release::interrupted) return WaitResult::interrupted;
  return WaitResult::acquired;
}

bool renew_release(void* wait) { return get_caller(&static_cast<ReleaseWait*>(wait)->me); }

bool release_n(PyObject* self, std::uint32_t n) {
  ReleaseWait wait{core(self), {}, n};
  if (!get_caller(&wait.me)) return false;
  if (sleep_to_release(&wait, Deadline::expired()) != WaitResult::acquired) [[unlikely]] {
    const Waited waited =
        wait_for({&wait, sleep_to_release, nullptr, &lock_header(self)->stats,
                  &shared_object(self)->primitive->totals, nullptr, renew_release},
                 Deadline::never());
    if (waited != Waited::acquired) return false;
  }
  return wait.result == Release::done || refuse_too_many(wait.semaphore.is_bounded());
}

bool release_one(PyObject* self) { return is_made(self) && release_n(self, 1); }

constexpr LockOperations kOperations{attempt, take, release_one};

// --- making one

struct Start {
  std::uint32_t value;
  Semaphore::Bound bound;
};

void initialize(std::byte* memory, const void* argument) {
  const auto* start = static_cast<const Start*>(argument);
  auto* const primitive = reinterpret_cast<shared::Primitive<Semaphore>*>(memory);
  new (&primitive->state) Semaphore(start->value, start->bound);
}

int init(PyObject* self, PyObject* args, PyObject* kwargs, PrimitiveKind kind) {
  static const char* keywords[] = {"value", "name", nullptr};
  const bool is_bounded = kind == PrimitiveKind::bounded_semaphore;
  const std::string type_name = is_bounded ? "BoundedSemaphore" : "Semaphore";
  PyObject* value = nullptr;
  PyObject* name = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, ("|O$O:" + type_name).c_str(),
                                  const_cast<char**>(keywords), &value, &name) == 0) {
    return -1;
  }
  Start start{1, is_bounded ? Semaphore::Bound::initial_value : Semaphore::Bound::none};
  if (value != nullptr && !parse_permits(value, "value", 0, &start.value)) return -1;
  const PrimitiveRequest request{kind, type_name + " value=" + std::to_string(start.value),
                                 sizeof(shared::Primitive<Semaphore>), initialize, &start};
  return make_shared(self, request, name) ? 0 : -1;
}

int semaphore_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init(self, args, kwargs, PrimitiveKind::semaphore);
}

int bounded_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init(self, args, kwargs, PrimitiveKind::bounded_semaphore);
}

PyObject* over(PyObject* type, PyObject* buffer, PrimitiveKind kind) {
  return make_over(reinterpret_cast<PyTypeObject*>(type), buffer, kind,
                   sizeof(shared::Primitive<Semaphore>));
}

PyObject* semaphore_over(PyObject* type, PyObject* buffer) {
  return over(type, buffer, PrimitiveKind::semaphore);
}

PyObject* bounded_over(PyObject* type, PyObject* buffer) {
  return over(type, buffer, PrimitiveKind::bounded_semaphore);
}

// --- methods

PyObject* acquire(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  bool may_block = true;
  Deadline deadline = Deadline::never();
  if (!parse_semaphore_acquire(args, nargs, kwnames, &may_block, &deadline)) return nullptr;
  return acquire_result(may_block ? take(self, deadline) : attempt(self));
}

PyObject* enter(PyObject* self, PyObject*) { return acquire_result(take(self, Deadline::never())); }

PyObject* release(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  std::uint32_t n = 1;
  if (!is_made(self) || !parse_release(args, nargs, kwnames, &n) || !release_n(self, n)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  if (!release_one(self)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* timeout(PyObject* self, PyObject* seconds) {
  return make_timed_entry(self, seconds, kOperations);
}

PyObject* stats(PyObject* self, PyObject*) { return make_shared_stats(self, shared::kNobody); }

PyObject* holders(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  std::vector<Semaphore::Holder> all;
  try {
    all = core(self).holders();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  PyObject* list = PyList_New(0);
  for (const Semaphore::Holder& holder : all) {
    PyObject* item = list == nullptr ? nullptr : Py_BuildValue("(iI)", holder.pid, holder.held);
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  return list;
}

PyObject* reduce(PyObject* self, PyObject*) { return reduce_shared(self, PyTuple_New(0)); }

PyObject* repr(PyObject* self) {
  PyObject* type = qualified_type_name(self);
  PyObject* name = type == nullptr ? nullptr : shared_properties[0].get(self, nullptr);
  PyObject* about = nullptr;  // which it is
  if (name != nullptr) {
    about = Py_IsNone(name) != 0 ? PyUnicode_FromFormat("%U at %p", type, self)
                                 : PyUnicode_FromFormat("%U %R at %p", type, name, self);
  }
  PyObject* text = nullptr;
  if (about != nullptr && shared_object(self)->primitive == nullptr) {
    text = PyUnicode_FromFormat("<%U: unmade>", about);
  } else if (about != nullptr) {
    const Semaphore& semaphore = core(self);
    const auto value = static_cast<unsigned long>(semaphore.available());
    const auto bound = static_cast<unsigned long>(semaphore.total());
    text = semaphore.is_bounded() ? PyUnicode_FromFormat("<%U: value=%lu/%lu>", about, value, bound)
                                  : PyUnicode_FromFormat("<%U: value=%lu>", about, value);
  }
  Py_XDECREF(about);
  Py_XDECREF(name);
  Py_XDECREF(type);
  return text;
}

PyMethodDef methods[] = {
    {"acquire", as_method(acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=None)\n--\n\n"
     "Take a permit, waiting until there is one. Returns True, or False if none could be taken.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits for a permit; for 20 ms at most if another\n"
     "        process was stopped (SIGSTOP) in the middle of taking or giving one.\n"
     "    timeout: seconds to wait at most; None waits for ever, a negative number not at all.\n\n"
     "Raises:\n"
     "    ValueError: a timeout that is NaN, or given with blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX, or 512 other processes hold\n"
     "        permits.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; no permit is held then.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release", as_method(release), METH_FASTCALL | METH_KEYWORDS,
     "release($self, /, n=1)\n--\n\n"
     "Give back n permits, and wake as many waiters.\n\n"
     "They are taken off what this process holds; what it does not hold, off what other living\n"
     "processes hold, the one first that has held permits for longest; the rest is new.\n\n"
     "Waits only while another process is stopped (SIGSTOP) in the middle of taking or giving "
     "one.\n"
     "A process that is killed in the middle has given as many as it gave.\n\n"
     "Raises:\n"
     "    ValueError: n is less than 1; or a BoundedSemaphore would exceed its initial value.\n"
     "    OverflowError: the semaphore would hold more than 2147483647 permits.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; nothing was given back "
     "then."},
    {"timeout", timeout, METH_O,
     "timeout($self, seconds, /)\n--\n\n"
     "Return a context manager that takes a permit within so many seconds, or raises "
     "LockTimeout.\n\n"
     "Raises:\n"
     "    ValueError: seconds is negative or NaN.\n"
     "    LockTimeout: on entering, when no permit was free in time; the body does not run."},
    {"stats", stats, METH_NOARGS, kStatsDoc},
    {"__enter__", enter, METH_NOARGS, "Acquire."},
    {"__exit__", as_method(exit), METH_FASTCALL, "Release one permit."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_holders", holders, METH_NOARGS, "The living processes that hold permits: (pid, held)."},
    {"_over", semaphore_over, METH_O | METH_CLASS,
     "A semaphore over the memory of another: pickle's."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot semaphore_slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Semaphore(value=1, *, name=None)\n--\n\n"
         "A counter of permits between processes, which survives kill -9 of who holds some.\n\n"
         "As nativeconc.Semaphore, but among the threads of all processes that have it. The "
         "permits\n"
         "of a process that ends come back; a death is noticed within 20 ms by whoever waits, and "
         "at\n"
         "once by whoever asks. A process that holds none may release, too, as a signal for "
         "others:\n"
         "that is taken off what another holds, if one does. So a semaphore protects a count, not\n"
         "data: what the dead one left half done nobody is told. Use Lock for that.\n\n"
         "Pickles as a handle of the same semaphore. A forked child has it too, but not what its\n"
         "parent holds. Can be subclassed and weakly referenced.\n\n"
         "Args:\n"
         "    value: the permits at the start, from 0 to 2147483647.\n"
         "    name: what unrelated processes know it by; the first makes it, and it goes with the\n"
         "        last. None: only those to whom it is handed have it.\n\n"
         "Raises:\n"
         "    ValueError: value is out of range; the name cannot be one, or belongs to something\n"
         "        else, or to a semaphore with another value.\n"
         "    TypeError: value is not an int.\n"
         "    SegmentError, SharedMemoryFull, OSError: as shared.Buffer.\n\n"
         "Source: see cpp/nativeconc/shared/semaphore.hpp.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(semaphore_init)},
    {Py_tp_dealloc, as_slot(dealloc_shared)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, shared_properties},
    {0, nullptr},
};

PyType_Spec semaphore_spec = {"nativeconc.shared.Semaphore", sizeof(SharedObject), 0,
                              kHeapTypeFlags | Py_TPFLAGS_BASETYPE, semaphore_slots};

PyMethodDef bounded_methods[] = {
    {"_over", bounded_over, METH_O | METH_CLASS,
     "A semaphore over the memory of another: pickle's."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot bounded_slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "BoundedSemaphore(value=1, *, name=None)\n--\n\n"
         "A shared.Semaphore that refuses to hold more permits than it started with.\n\n"
         "A release() too many, usually a bug in the program, is a ValueError and changes "
         "nothing.\n"
         "What a dead process held has come back already, and is too many to be released again.\n\n"
         "Args:\n"
         "    value: the permits at the start, and the most there may ever be.\n"
         "    name: as of Semaphore.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(bounded_init)},
    {Py_tp_methods, bounded_methods},
    {0, nullptr},
};

PyType_Spec bounded_spec = {"nativeconc.shared.BoundedSemaphore", sizeof(SharedObject), 0,
                            kHeapTypeFlags | Py_TPFLAGS_BASETYPE, bounded_slots};

}  // namespace

void bind_shared_semaphore(py::module_& m) {
  PyTypeObject* semaphore = add_shared_type(m, semaphore_spec);
  add_operations(semaphore, kOperations);
  add_operations(add_shared_type(m, bounded_spec, semaphore), kOperations);
}

}  // namespace nativeconc::seam
