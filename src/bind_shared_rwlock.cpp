// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.RWLock.
#include "bindings.hpp"
#include "lock_methods.hpp"
#include "shared_rwlock_object.hpp"
#include "stats.hpp"
#include "timed_entry.hpp"
#include "timeout.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

using shared::RWLock;
using shared::ThreadNumber;

constexpr shared::PrimitiveKind kKind = shared::PrimitiveKind::rwlock;
constexpr std::size_t kSize = sizeof(shared::Primitive<RWLock>);

using Reading = LockMethods<kSharedReading>;
using Writing = LockMethods<kSharedWriting>;

PyObject* entry(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                const LockOperations& operations, const char* method) {
  PyObject* timeout = nullptr;
  if (!parse_one(method, "timeout", args, nargs, kwnames, &timeout)) return nullptr;
  return make_entry(self, timeout == nullptr ? Py_None : timeout, operations);
}

PyObject* read(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry(self, args, nargs, kwnames, kSharedReading, "read");
}

PyObject* write(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry(self, args, nargs, kwnames, kSharedWriting, "write");
}

PyObject* downgrade(PyObject* self, PyObject*) {
  ThreadNumber me = shared::kNobody;
  if (!begin_shared_rwlock(self, &me)) return nullptr;
  switch (shared_rwlock(self).downgrade(me)) {
    case RWLock::Downgrade::done:
      if (is_tracking()) {
        note_released(self, this_thread());
        note_taken(self, deadlock::Mode::read);
      }
      Py_RETURN_NONE;
    case RWLock::Downgrade::not_writing:
      PyErr_SetString(PyExc_RuntimeError, "cannot downgrade: this thread does not write");
      return nullptr;
    case RWLock::Downgrade::nested:
      PyErr_SetString(PyExc_RuntimeError,
                      "cannot downgrade: this thread has taken the write lock more than once");
      return nullptr;
    case RWLock::Downgrade::full:
      break;
  }
  static_cast<void>(refuse_readers());
  return nullptr;
}

PyObject* recover(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return make_recovery(self, args, nargs, kwnames, kSharedRWLockRecovery);
}

PyObject* stats(PyObject* self, PyObject*) {
  return is_made(self) ? make_shared_stats(self, shared_rwlock(self).writer()) : nullptr;
}

PyObject* readers(PyObject* self, PyObject*) {
  if (!is_made(self)) return nullptr;
  PyObject* list = PyList_New(0);
  shared_rwlock(self).for_each_reader([&](ThreadNumber number, std::uint32_t depth) {
    const shared::ThreadIdentity who = shared::identify(number);
    PyObject* item = list == nullptr ? nullptr : Py_BuildValue("(iiI)", who.pid, who.tid, depth);
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
  });
  return list;
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
  return init_shared_lock(self, args, kwargs, "|$OO:RWLock", "RWLock", kKind, kSize);
}

PyObject* over(PyObject* type, PyObject* args) { return make_lock_over(type, args, kKind, kSize); }

PyObject* repr(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return shared_repr(self, "unmade", "");
  const RWLock& lock = shared_rwlock(self);
  const char* state = lock.turn() == shared::Lock::kInDoubt ? "in-doubt"
                      : lock.writer() != shared::kNobody    ? "write-locked"
                      : lock.readers() > 0                  ? "read-locked"
                                                            : "unlocked";
  return shared_repr(self, state, "");
}

PyMethodDef methods[] = {
    {"read", as_method(read), METH_FASTCALL | METH_KEYWORDS,
     "read($self, /, timeout=None)\n--\n\n"
     "Return a context manager that reads: with others who read, never beside a writer.\n\n"
     "    with rwlock.read():\n"
     "        ...\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None waits for ever.\n\n"
     "Raises:\n"
     "    ValueError: the timeout is negative or NaN.\n"
     "    LockTimeout: on entering, when the time is up; the body does not run.\n"
     "    OwnerDiedError: on entering, when a writer died inside; see acquire_read()."},
    {"write", as_method(write), METH_FASTCALL | METH_KEYWORDS,
     "write($self, /, timeout=None)\n--\n\n"
     "Return a context manager that writes: alone.\n\n"
     "Args:\n"
     "    timeout: seconds to wait at most; None waits for ever.\n\n"
     "Raises:\n"
     "    ValueError: the timeout is negative or NaN.\n"
     "    LockTimeout: on entering, when the time is up; the body does not run.\n"
     "    OwnerDiedError: on entering, when a writer died inside; see acquire_write().\n"
     "    DeadlockError: on entering, when this thread reads: it would wait for itself."},
    {"acquire_read", as_method(Reading::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire_read($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Begin to read, once more if this thread reads or writes already. Returns whether it may.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    OwnerDiedError: a writer died inside; nothing is held, and the lock stays in doubt "
     "until\n"
     "        recover() has made it good. Not with on_owner_death='continue' or a callable.\n"
     "    DeadlockError: the wait would never end.\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX, or 512 threads read.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release_read", Reading::release, METH_NOARGS,
     "release_read($self, /)\n--\n\n"
     "Undo one acquire_read(). Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not read."},
    {"acquire_write", as_method(Writing::acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire_write($self, /, blocking=True, timeout=-1)\n--\n\n"
     "Begin to write, once more if this thread writes already. Returns whether it may.\n\n"
     "Args:\n"
     "    blocking: False only tries, and never waits.\n"
     "    timeout: seconds to wait at most; -1 waits for ever.\n\n"
     "Raises:\n"
     "    OwnerDiedError: as acquire_read().\n"
     "    DeadlockError: this thread reads, or the wait would never end.\n"
     "    ValueError: a timeout that is NaN or negative (but not -1), or given with "
     "blocking=False.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n\n"
     "Releases the GIL while it waits, and only then."},
    {"release_write", Writing::release, METH_NOARGS,
     "release_write($self, /)\n--\n\n"
     "Undo one acquire_write(). A thread that still reads goes on as a reader. Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not write."},
    {"downgrade", downgrade, METH_NOARGS,
     "downgrade($self, /)\n--\n\n"
     "Go on as a reader: no other writer comes in between. Give it back with release_read().\n"
     "Never blocks.\n\n"
     "Raises:\n"
     "    RuntimeError: this thread does not write, or has begun to more than once.\n"
     "    OverflowError: 512 threads read; this one writes still."},
    {"recover", as_method(recover), METH_FASTCALL | METH_KEYWORDS, kRecoverDoc},
    {"stats", stats, METH_NOARGS, kStatsDoc},
    {"__reduce__", reduce_shared_lock, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_over", over, METH_VARARGS | METH_CLASS, "A lock over the memory of another: pickle's."},
    {"_readers", readers, METH_NOARGS, "The living threads that read: (pid, thread, depth)."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "RWLock(*, name=None, on_owner_death='raise')\n--\n\n"
         "A reader-writer lock between processes that survives kill -9 of readers and writers.\n\n"
         "As nativeconc.RWLock, but among the threads of all processes that have it; 512 may read\n"
         "at once. A reader that ends, with its thread or process, is released. A writer that "
         "ends\n"
         "while it is inside leaves the lock in doubt, for readers too: nobody hangs, and nobody\n"
         "goes on unaware.\n\n"
         "Pickles as a handle of the same lock. A forked child has it too, but not what its "
         "parent\n"
         "holds. Can be subclassed and weakly referenced.\n\n"
         "Args:\n"
         "    name: what unrelated processes know it by; the first makes it, and it goes with the\n"
         "        last. None: only those to whom it is handed have it.\n"
         "    on_owner_death: 'raise': acquiring raises OwnerDiedError until recover() has made "
         "it\n"
         "        good. 'continue': it is simply taken. A callable: it is called, alone inside, "
         "with\n"
         "        a DeadOwner, to repair what is protected; if it raises, the lock stays in "
         "doubt.\n\n"
         "Raises:\n"
         "    ValueError: the name cannot be one, or belongs to something else.\n"
         "    SegmentError, SharedMemoryFull, OSError: as shared.Buffer.\n\n"
         "A death is noticed within 20 ms by whoever waits. Source: as nativeconc.RWLock; see\n"
         "cpp/nativeconc/shared/rwlock.hpp.")},
    {Py_tp_new, as_slot(new_shared)},
    {Py_tp_init, as_slot(init)},
    {Py_tp_traverse, as_slot(traverse_shared_lock)},
    {Py_tp_clear, as_slot(clear_shared_lock)},
    {Py_tp_dealloc, as_slot(dealloc_shared_lock)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, lock_members},
    {Py_tp_getset, shared_lock_properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.RWLock", sizeof(SharedLockObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

deadlock::ThreadId own_thread_if_writer(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return deadlock::kNobody;
  const ThreadNumber me = shared::detail::this_thread_number;
  return me != shared::kNobody && shared_rwlock(self).is_writing(me) ? this_thread()
                                                                     : deadlock::kNobody;
}

}  // namespace

void bind_shared_rwlock(py::module_& m) {
  PyTypeObject* type = add_shared_type(m, spec);
  add_lock_type(type, own_thread_if_writer);
  add_operations(type, kSharedWriting);
}

}  // namespace nativeconc::seam
