// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Queue.put and its kin.
#include "message.hpp"
#include "queue_call.hpp"
#include "shared_object.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

using shared::Outgoing;
using shared::Queue;
using Outcome = Queue::Outcome;

struct Putting {
  Queue& queue;
  shared::ThreadNumber me;
  std::span<const Outgoing> messages;
  bool may_block;
  std::size_t done = 0;
  Queue::Result result{Outcome::timed_out};
};

WaitResult go_on_putting(void* wait, Deadline deadline) {
  auto* const self = static_cast<Putting*>(wait);
  const std::span<const Outgoing> rest = self->messages.subspan(self->done);
  std::size_t some = 0;
  self->result = self->may_block ? self->queue.put(self->me, rest, deadline, &some)
                                 : self->queue.try_put(self->me, rest, deadline, &some);
  self->done += some;
  if (self->result.outcome == Outcome::interrupted) return WaitResult::interrupted;
  const bool is_late = self->may_block ? self->result.outcome == Outcome::timed_out
                                       : self->result.outcome == Outcome::busy;
  return is_late ? WaitResult::timed_out : WaitResult::acquired;
}

bool renew(void* wait) { return get_thread_number(&static_cast<Putting*>(wait)->me); }

// Puts all, or says why not. False with a Python error, and *done messages put.
bool put_all(PyObject* self, std::span<const Outgoing> messages, const QueueArguments& arguments,
             std::size_t* done) {
  Queue* const queue = queue_of(self);
  shared::ThreadNumber me = shared::kNobody;
  if (!get_thread_number(&me)) return false;
  Putting putting{*queue, me, messages, arguments.may_block};
  std::uint64_t bytes = 0;
  for (const Outgoing& message : messages) bytes += message.bytes.size();
  if (bytes <= kQuickBytes) {
    putting.result = queue->try_put(me, messages, Deadline::expired(), done);
    if (putting.result.outcome == Outcome::done) [[likely]]
      return true;
    putting.done = *done;
    if (putting.result.outcome == Outcome::timed_out && !arguments.may_block) {
      PyErr_SetNone(full_error);
      return false;
    }
  }
  if (putting.result.outcome == Outcome::timed_out || putting.result.outcome == Outcome::busy) {
    const Waited waited = wait_for(
        {&putting, go_on_putting, nullptr, &queue_object(self)->stats, nullptr, nullptr, renew},
        arguments.limit());
    *done = putting.done;
    if (waited == Waited::error || waited == Waited::deadlock) return false;
    if (waited == Waited::timed_out) putting.result = {Outcome::timed_out};
  }
  if (putting.result.outcome == Outcome::done) return true;
  raise_outcome(putting.result, full_error);
  return false;
}

bool refuse_too_big(const Queue& queue, const Outgoing& message) {
  if (queue.could_fit(message)) [[likely]]
    return false;
  PyErr_Format(
      PyExc_ValueError,
      "a message of %llu bytes is larger than the queue, which holds %llu (capacity_bytes)",
      static_cast<unsigned long long>(shared::frame_bytes(message.bytes.size()) + message.outside),
      static_cast<unsigned long long>(queue.capacity()));
  return true;
}

PyObject* put_object(PyObject* self, const QueueArguments& arguments) {
  Queue* const queue = queue_of(self);
  if (queue == nullptr) return nullptr;
  if (queue->is_closed()) {
    raise_shut_down();
    return nullptr;
  }
  OutgoingMessage message;
  std::size_t done = 0;
  if (make_message(arguments.first, queue->files(), &message)) {
    const Outgoing core = message.core();
    if (!refuse_too_big(*queue, core)) put_all(self, {&core, 1}, arguments, &done);
  }
  clear_message(&message, done == 1);
  return done == 1 && PyErr_Occurred() == nullptr ? Py_NewRef(Py_None) : nullptr;
}

// Tells with the exception how many messages of a batch were put before it.
void note_put_count(std::size_t done) {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyObject* count = PyLong_FromSize_t(done);
  if (count == nullptr || value == nullptr ||
      PyObject_SetAttrString(value, "put_count", count) != 0) {
    PyErr_Clear();
  }
  Py_XDECREF(count);
  PyErr_Restore(type, value, traceback);
}

bool make_messages(Queue& queue, PyObject* objects, std::vector<OutgoingMessage>* messages) {
  PyObject* iterator = PyObject_GetIter(objects);
  if (iterator == nullptr) return false;
  bool is_good = true;
  while (is_good) {
    PyObject* object = PyIter_Next(iterator);
    if (object == nullptr) break;
    try {
      messages->emplace_back();
    } catch (const std::bad_alloc&) {
      Py_DECREF(object);
      PyErr_NoMemory();
      break;
    }
    is_good = make_message(object, queue.files(), &messages->back()) &&
              !refuse_too_big(queue, messages->back().core());
    Py_DECREF(object);
  }
  Py_DECREF(iterator);
  return is_good && PyErr_Occurred() == nullptr;
}

}  // namespace

PyObject* queue_put(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  QueueArguments arguments;
  if (!parse_queue_arguments({"put", "obj"}, args, nargs, kwnames, &arguments)) return nullptr;
  return put_object(self, arguments);
}

PyObject* queue_put_nowait(PyObject* self, PyObject* object) {
  return put_object(self, {object, false, Deadline::never()});
}

PyObject* queue_put_many(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames) {
  QueueArguments arguments;
  if (!parse_queue_arguments({"put_many", "objs"}, args, nargs, kwnames, &arguments))
    return nullptr;
  Queue* const queue = queue_of(self);
  if (queue == nullptr) return nullptr;
  if (queue->is_closed()) {
    raise_shut_down();
    return nullptr;
  }
  std::vector<OutgoingMessage> messages;
  std::size_t done = 0;
  bool is_put = make_messages(*queue, arguments.first, &messages);
  if (is_put && !messages.empty()) {
    std::vector<Outgoing> batch;
    batch.reserve(messages.size());
    for (const OutgoingMessage& message : messages) batch.push_back(message.core());
    is_put = put_all(self, batch, arguments, &done);
  }
  if (!is_put) note_put_count(done);
  for (std::size_t i = 0; i < messages.size(); ++i) clear_message(&messages[i], i < done);
  return is_put ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace nativeconc::seam
