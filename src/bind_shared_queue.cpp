// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Queue: the type.
#include <cstddef>

#include "bindings.hpp"
#include "buffer_object.hpp"
#include "message.hpp"
#include "python_part.hpp"
#include "queue_call.hpp"
#include "shared_object.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

using shared::Queue;

PyObject* qsize(PyObject* self, PyObject*) {
  const Queue* queue = queue_of(self);
  if (queue == nullptr) return nullptr;
  return PyLong_FromUnsignedLongLong(queue->size() + left_over_count(self));
}

PyObject* empty(PyObject* self, PyObject*) {
  const Queue* queue = queue_of(self);
  if (queue == nullptr) return nullptr;
  return PyBool_FromLong(queue->size() + left_over_count(self) == 0 ? 1 : 0);
}

PyObject* full(PyObject* self, PyObject*) {
  const Queue* queue = queue_of(self);
  return queue == nullptr ? nullptr : PyBool_FromLong(queue->is_full() ? 1 : 0);
}

// --- close

struct Closing {
  Queue& queue;
  shared::ThreadNumber me;
};

WaitResult go_on_closing(void* wait, Deadline deadline) {
  const auto* const self = static_cast<Closing*>(wait);
  switch (self->queue.close(self->me, deadline)) {
    case Queue::Outcome::done:
      return WaitResult::acquired;
    case Queue::Outcome::interrupted:
      return WaitResult::interrupted;
    default:
      return WaitResult::timed_out;
  }
}

bool renew(void* wait) { return get_thread_number(&static_cast<Closing*>(wait)->me); }

PyObject* close(PyObject* self, PyObject*) {
  Queue* const queue = queue_of(self);
  shared::ThreadNumber me = shared::kNobody;
  if (queue == nullptr || !get_thread_number(&me)) return nullptr;
  Closing closing{*queue, me};
  if (queue->close(me, Deadline::expired()) == Queue::Outcome::done) Py_RETURN_NONE;
  const Waited waited = wait_for(
      {&closing, go_on_closing, nullptr, &queue_object(self)->stats, nullptr, nullptr, renew},
      Deadline::never());
  return waited == Waited::acquired ? Py_NewRef(Py_None) : nullptr;
}

// --- the rest

PyObject* over(PyObject* type, PyObject* args) { return queue_over(type, args); }

PyObject* reduce(PyObject* self, PyObject*) {
  if (queue_of(self) == nullptr) return nullptr;
  return call_python("nativeconc.shared._queue", "reduce_queue", PyTuple_Pack(1, self));
}

PyObject* get_buffer(PyObject* self, void*) {
  return queue_of(self) == nullptr ? nullptr : Py_NewRef(queue_object(self)->buffer);
}

PyObject* get_mail(PyObject* self, void*) {
  const Queue* queue = queue_of(self);
  if (queue == nullptr) return nullptr;
  if (queue->mail() == nullptr) Py_RETURN_NONE;
  return Py_BuildValue("(ii)", queue->mail()->in(), queue->mail()->out());
}

PyObject* get_name(PyObject* self, void*) {
  if (queue_of(self) == nullptr) return nullptr;
  return Py_NewRef(buffer_object(queue_object(self)->buffer)->name);
}

PyObject* get_capacity(PyObject* self, void*) {
  const Queue* queue = queue_of(self);
  return queue == nullptr ? nullptr : PyLong_FromUnsignedLongLong(queue->capacity());
}

PyObject* get_closed(PyObject* self, void*) {
  const Queue* queue = queue_of(self);
  return queue == nullptr ? nullptr : PyBool_FromLong(queue->is_closed() ? 1 : 0);
}

PyObject* repr(PyObject* self) {
  const QueueObject* object = queue_object(self);
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  PyObject* result = nullptr;
  if (object->buffer == nullptr) {
    result = PyUnicode_FromFormat("<unmade %U at %p>", type, self);
  } else {
    const auto size =
        static_cast<unsigned long long>(object->queue->size() + left_over_count(self));
    const char* state = object->queue->is_closed() ? "closed " : "";
    PyObject* name = buffer_object(object->buffer)->name;
    result =
        name == Py_None
            ? PyUnicode_FromFormat("<%s%U at %p: %llu messages>", state, type, self, size)
            : PyUnicode_FromFormat("<%s%U %R at %p: %llu messages>", state, type, name, self, size);
  }
  Py_DECREF(type);
  return result;
}

PyMethodDef methods[] = {
    {"put", as_method(queue_put), METH_FASTCALL | METH_KEYWORDS,
     "put($self, /, obj, block=True, timeout=None)\n--\n\n"
     "Put a message: the object is pickled now, and is in the queue when this returns.\n\n"
     "Ordinary arrays travel as a snapshot, shared ones by reference.\n\n"
     "Args:\n"
     "    obj: anything that can be pickled.\n"
     "    block: False: not to wait for room.\n"
     "    timeout: seconds to wait at most; None waits for ever, a negative number not at all.\n\n"
     "Raises:\n"
     "    queue.Full: there was no room in time.\n"
     "    ShutDown: the queue is closed.\n"
     "    ValueError: the message is larger than the queue, or the timeout is NaN.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    SharedMemoryFull: no memory for a big message.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; nothing is put.\n"
     "    Exception: whatever pickling the object raises.\n\n"
     "Releases the GIL while it waits and while it copies what is big."},
    {"get", as_method(queue_get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, block=True, timeout=None)\n--\n\n"
     "Take the next message. Arrays in it are this process's own, and can be written.\n\n"
     "Args:\n"
     "    block: False: not to wait for one.\n"
     "    timeout: seconds to wait at most; None waits for ever, a negative number not at all.\n\n"
     "Raises:\n"
     "    queue.Empty: none came in time.\n"
     "    ShutDown: the queue is closed, and nothing is left in it.\n"
     "    ValueError: the timeout is NaN.\n"
     "    OverflowError: a timeout above threading.TIMEOUT_MAX.\n"
     "    OSError: this process has no descriptors or no address space left for what the message\n"
     "        brings; it stays in the queue.\n"
     "    KeyboardInterrupt: Ctrl-C on the main thread while waiting; nothing is taken.\n"
     "    Exception: whatever unpickling the message raises; it is taken.\n\n"
     "Releases the GIL while it waits and while it copies what is big."},
    {"put_nowait", queue_put_nowait, METH_O,
     "put_nowait($self, obj, /)\n--\n\nThe same as put(obj, block=False)."},
    {"get_nowait", queue_get_nowait, METH_NOARGS,
     "get_nowait($self, /)\n--\n\nThe same as get(block=False)."},
    {"put_many", as_method(queue_put_many), METH_FASTCALL | METH_KEYWORDS,
     "put_many($self, /, objs, block=True, timeout=None)\n--\n\n"
     "Put many messages, in order: all that fit in one go, then the next ones.\n\n"
     "All are pickled before the first is put. Where it raises later, the exception's put_count\n"
     "says how many were put.\n\n"
     "Args:\n"
     "    objs: an iterable.\n"
     "    block: False: not to wait for room.\n"
     "    timeout: seconds to wait at most, for all together; see put().\n\n"
     "Raises:\n"
     "    What put() does."},
    {"get_many", as_method(queue_get_many), METH_FASTCALL | METH_KEYWORDS,
     "get_many($self, /, max_items, block=True, timeout=None)\n--\n\n"
     "Take the messages that are there, in one go: a list of at least one, for which it waits.\n\n"
     "Where one of them cannot be unpickled that error is raised; the others of the batch come\n"
     "with the next calls in this process.\n\n"
     "Args:\n"
     "    max_items: how many at most.\n"
     "    block: False: not to wait for the first.\n"
     "    timeout: seconds to wait for the first at most; see get().\n\n"
     "Raises:\n"
     "    What get() does; ValueError too if max_items is less than 1."},
    {"qsize", qsize, METH_NOARGS, "qsize($self, /)\n--\n\nMessages in the queue, just now."},
    {"empty", empty, METH_NOARGS,
     "empty($self, /)\n--\n\nWhether there is no message in the queue, just now."},
    {"full", full, METH_NOARGS,
     "full($self, /)\n--\n\nWhether not even the smallest message would fit, just now."},
    {"close", close, METH_NOARGS,
     "close($self, /)\n--\n\n"
     "Close the queue, for all: put raises from now on, get when the queue is drained. Wakes\n"
     "everybody who waits; closing twice is allowed. Blocks only for whoever is just putting."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", refuse_copying, METH_NOARGS, nullptr},
    {"__deepcopy__", refuse_copying, METH_O, nullptr},
    {"_over", over, METH_VARARGS | METH_CLASS,
     "_over($type, buffer, in_fd, out_fd, /)\n--\n\n"
     "A queue over the memory of another, with the descriptors of its mail, or -1."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(QueueObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", get_name, nullptr, "The name by which others meet here, or None.", nullptr},
    {"capacity_bytes", get_capacity, nullptr, "Bytes of messages that the queue holds.", nullptr},
    {"closed", get_closed, nullptr, "Whether close() was called, by anybody.", nullptr},
    {"_buffer", get_buffer, nullptr, "The memory that it lies in.", nullptr},
    {"_mail", get_mail, nullptr, "The descriptors of its mail, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Queue(capacity_bytes=None, *, name=None)\n--\n\n"
         "A queue between processes: many producers, many consumers, any object that pickles.\n\n"
         "A message is lost only if its producer died before put returned, or its consumer after\n"
         "get took it; none is doubled or torn, and nobody hangs, whoever is killed.\n\n"
         "Args:\n"
         "    capacity_bytes: how many bytes of pickled messages it holds, with 24 bytes and\n"
         "        rounding for each. None: 256 MiB without a name, of which small messages (up to\n"
         "        256 KiB) can have 4 MiB; with a name 16 MiB, or what the existing one has.\n"
         "    name: unrelated processes that give the same name meet here: it opens or creates.\n"
         "        All messages then lie in memory that is reserved at once, and shared memory in "
         "a\n"
         "        message reaches its receiver only while the sender lives.\n\n"
         "Raises:\n"
         "    ValueError: less than 1 byte, or the name has another capacity, is no queue's, or\n"
         "        cannot be a name.\n"
         "    SharedMemoryFull: no memory, or no room in /dev/shm.\n"
         "    SegmentError: the name belongs to a file that is no shared memory.\n\n"
         "Pickling gives another process a handle, under fork, spawn and forkserver, through\n"
         "Pipe, queues and executors. A forked child goes on with its parent's queues. Can be\n"
         "subclassed and weakly referenced.")},
    {Py_tp_new, as_slot(new_queue)},
    {Py_tp_init, as_slot(init_queue)},
    {Py_tp_dealloc, as_slot(dealloc_queue)},
    {Py_tp_repr, as_slot(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.Queue", sizeof(QueueObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void bind_shared_queue(py::module_& m) {
  bind_message(m);
  bind_queue_errors();
  PyTypeObject* type = make_heap_type(m, spec);
  m.attr("SharedQueue") = py::handle(reinterpret_cast<PyObject*>(type));
}

}  // namespace nativeconc::seam
