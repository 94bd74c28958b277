// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// nc.Semaphore and nc.BoundedSemaphore: one implementation, which differs in the bound.
#include <algorithm>

#include "bindings.hpp"
#include "lock_operations.hpp"
#include "permit_arguments.hpp"
#include "permit_object.hpp"
#include "stats.hpp"
#include "timeout.hpp"

namespace nativeconc::seam {
namespace {

using sync::Permits;

// Above every real bound: BoundedSemaphore(Permits::kMax) is bounded, too.
constexpr std::uint32_t kUnbounded = Permits::kMax + 1;

bool is_bounded(PyObject* self) { return permit_object(self)->bound != kUnbounded; }

bool release_n(PyObject* self, std::uint32_t n) {
  const std::uint32_t most = std::min<std::uint32_t>(permit_object(self)->bound, Permits::kMax);
  if (permit_object(self)->permits.release(n, most)) return true;
  return refuse_too_many(is_bounded(self));
}

bool release_one(PyObject* self) { return release_n(self, 1); }

Waited attempt(PyObject* self) {
  return permit_object(self)->permits.try_acquire() ? Waited::acquired : Waited::timed_out;
}

constexpr LockOperations kOperations{attempt, take_permit, release_one};

PyObject* semaphore_new(PyTypeObject* type, PyObject*, PyObject*) {
  return new_permit_object(type, 1, kUnbounded);
}

PyObject* bounded_new(PyTypeObject* type, PyObject*, PyObject*) {
  return new_permit_object(type, 1, 1);
}

bool parse_initial_value(PyObject* args, PyObject* kwargs, const char* format,
                         std::uint32_t* count) {
  static const char* keywords[] = {"value", nullptr};
  PyObject* value = nullptr;
  *count = 1;
  return PyArg_ParseTupleAndKeywords(args, kwargs, format, const_cast<char**>(keywords), &value) !=
             0 &&
         (value == nullptr || parse_permits(value, "value", 0, count));
}

int semaphore_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  std::uint32_t count = 0;
  if (!parse_initial_value(args, kwargs, "|O:Semaphore", &count)) return -1;
  permit_object(self)->permits.refill(count);
  return 0;
}

int bounded_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  std::uint32_t count = 0;
  if (!parse_initial_value(args, kwargs, "|O:BoundedSemaphore", &count)) return -1;
  permit_object(self)->bound = count;
  permit_object(self)->permits.refill(count);
  return 0;
}

PyObject* semaphore_acquire(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                            PyObject* kwnames) {
  bool may_block = true;
  Deadline deadline = Deadline::never();
  if (!parse_semaphore_acquire(args, nargs, kwnames, &may_block, &deadline)) return nullptr;
  return acquire_permit(self, may_block, deadline);
}

PyObject* semaphore_release(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                            PyObject* kwnames) {
  std::uint32_t n = 1;
  if (!parse_release(args, nargs, kwnames, &n)) return nullptr;
  if (!release_n(self, n)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* semaphore_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  if (!release_one(self)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* semaphore_timeout(PyObject* self, PyObject* seconds) {
  return make_timed_entry(self, seconds, kOperations);
}

PyObject* semaphore_stats(PyObject* self, PyObject*) {
  return make_stats(permit_object(self)->stats);
}

PyObject* semaphore_repr(PyObject* self) {
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  const PermitObject* semaphore = permit_object(self);
  const auto value = static_cast<unsigned long>(semaphore->permits.available());
  PyObject* repr = is_bounded(self)
                       ? PyUnicode_FromFormat("<%U at %p: value=%lu/%lu>", type, self, value,
                                              static_cast<unsigned long>(semaphore->bound))
                       : PyUnicode_FromFormat("<%U at %p: value=%lu>", type, self, value);
  Py_DECREF(type);
  return repr;
}

PyMethodDef methods[] = {
    {"acquire", as_method(semaphore_acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, blocking=True, timeout=None)\n--\n\n"
     "Take a permit, waiting until there is one. Returns True, or False if none could be taken.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; None waits for ever, a negative number not at all.\n\n"
     "Raises:\n"
     "    ValueError: a timeout that is NaN, or given with blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; no permit is held then.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release", as_method(semaphore_release), METH_FASTCALL | METH_KEYWORDS,
     "release($self, /, n=1)\n--\n\n"
     "Give back n permits, at once or not at all, and wake as many waiters. Never blocks.\n\n"
     "Raises:\n"
     "    ValueError: n is less than 1; or a BoundedSemaphore would exceed its initial value.\n"
     "    OverflowError: the semaphore would hold more than 2147483647 permits."},
    {"timeout", semaphore_timeout, METH_O,
     "timeout($self, seconds, /)\n--\n\n"
     "Return a context manager that takes a permit within so many seconds, or raises "
     "LockTimeout.\n\n"
     "Raises:\n"
     "    ValueError: seconds is negative or NaN.\n"
     "    LockTimeout: on entering, when no permit was free in time; the body does not run."},
    {"stats", semaphore_stats, METH_NOARGS, kStatsDoc},
    {"__enter__", enter_permit, METH_NOARGS, "Acquire."},
    {"__exit__", as_method(semaphore_exit), METH_FASTCALL, "Release one permit."},
    {"__reduce__", refuse_pickling, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot semaphore_slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Semaphore(value=1)\n--\n\n"
         "A counter of permits: a drop-in for threading.Semaphore, many times as fast.\n\n"
         "acquire() takes a permit and waits while there is none; release() gives one back. "
         "Newcomers\n"
         "may take a free permit before a thread that is just waking up; a thread that has waited\n"
         "1 ms gets the next one. A waiting main thread wakes up for Ctrl-C.\n\n"
         "Can be subclassed and weakly referenced, not pickled. A subclass that changes acquire() "
         "or\n"
         "release() changes __enter__() and __exit__() too: they do not call them. A forked child\n"
         "finds the count as it was; waiters of the parent are forgotten.\n\n"
         "Args:\n"
         "    value: the permits at the start, from 0 to 2147483647.\n\n"
         "Raises:\n"
         "    ValueError: value is out of range.\n"
         "    TypeError: value is not an int.")},
    {Py_tp_new, as_slot(semaphore_new)},
    {Py_tp_init, as_slot(semaphore_init)},
    {Py_tp_dealloc, as_slot(dealloc_permit_object)},
    {Py_tp_repr, as_slot(semaphore_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, permit_object_members},
    {0, nullptr},
};

PyType_Spec semaphore_spec = {"nativeconc.Semaphore", sizeof(PermitObject), 0,
                              kHeapTypeFlags | Py_TPFLAGS_BASETYPE, semaphore_slots};

PyType_Slot bounded_slots[] = {
    {Py_tp_doc,
     const_cast<char*>("BoundedSemaphore(value=1)\n--\n\n"
                       "A Semaphore that refuses to hold more permits than it started with.\n\n"
                       "A release() too many, usually a bug in the program, is a ValueError and "
                       "changes nothing.\n\n"
                       "Args:\n"
                       "    value: the permits at the start, and the most there may ever be.")},
    {Py_tp_new, as_slot(bounded_new)},
    {Py_tp_init, as_slot(bounded_init)},
    {0, nullptr},
};

PyType_Spec bounded_spec = {"nativeconc.BoundedSemaphore", sizeof(PermitObject), 0,
                            kHeapTypeFlags | Py_TPFLAGS_BASETYPE, bounded_slots};

}  // namespace

void bind_semaphore(py::module_& m) {
  PyTypeObject* semaphore = add_heap_type(m, semaphore_spec);
  add_operations(semaphore, kOperations);
  add_operations(add_heap_type(m, bounded_spec, semaphore), kOperations);
}

}  // namespace nativeconc::seam
