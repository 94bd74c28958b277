// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Queue.get and its kin.
#include <cerrno>
#include <new>

#include "message.hpp"
#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/shared/slice.hpp"
#include "queue_call.hpp"
#include "shared_object.hpp"
#include "wait.hpp"

namespace nativeconc::seam {
namespace {

using shared::Incoming;
using shared::Queue;
using Outcome = Queue::Outcome;

struct Taking {
  PyObject* self;
  Queue& queue;
  shared::ThreadNumber me;
  std::size_t most;
  bool may_block;
  std::vector<Incoming> taken{};
  Queue::Result result{Outcome::timed_out};
};

bool has_left_over(PyObject* self) {
  return queue_object(self)->left_over_size.load(std::memory_order_acquire) > 0;
}

// One that blocks looks after each slice for what get_many() of another thread has left over.
Queue::Result take_for_a_slice(Taking* taking, Deadline deadline) {
  try {
    if (taking->may_block) {
      return taking->queue.take(taking->me, taking->most, shared::next_slice(deadline),
                                &taking->taken);
    }
    return taking->queue.try_take(taking->me, taking->most, Queue::kAnySize, deadline,
                                  &taking->taken);
  } catch (const std::bad_alloc&) {
    return {Outcome::failed, ENOMEM};
  }
}

WaitResult go_on_taking(void* wait, Deadline deadline) {
  auto* const self = static_cast<Taking*>(wait);
  do {
    self->result = take_for_a_slice(self, deadline);
    if (self->may_block && has_left_over(self->self) && self->taken.empty()) {
      self->result = {Outcome::timed_out};
      return WaitResult::acquired;
    }
  } while (self->may_block && self->result.outcome == Outcome::timed_out && !deadline.has_passed());
  if (self->result.outcome == Outcome::interrupted) return WaitResult::interrupted;
  const bool is_late = self->may_block ? self->result.outcome == Outcome::timed_out
                                       : self->result.outcome == Outcome::busy;
  return is_late ? WaitResult::timed_out : WaitResult::acquired;
}

Outcome take_quickly(Taking* taking) {
  try {
    taking->result = taking->queue.try_take(taking->me, taking->most, kQuickBytes,
                                            Deadline::expired(), &taking->taken);
  } catch (const std::bad_alloc&) {
    taking->result = {Outcome::failed, ENOMEM};
  }
  return taking->result.outcome;
}

bool renew(void* wait) { return get_thread_number(&static_cast<Taking*>(wait)->me); }

// Takes one message or more, or none because some were left over meanwhile. False with a Python
// error, and nothing is taken.
bool take_some(PyObject* self, const QueueArguments& arguments, Taking* taking) {
  if (!get_thread_number(&taking->me)) return false;
  switch (take_quickly(taking)) {
    case Outcome::done:
      return true;
    case Outcome::timed_out:
      if (!arguments.may_block) break;
      [[fallthrough]];
    case Outcome::busy:
    case Outcome::big: {
      const Waited waited = wait_for(
          {taking, go_on_taking, nullptr, &queue_object(self)->stats, nullptr, nullptr, renew},
          arguments.limit());
      if (!taking->taken.empty()) return true;
      if (waited == Waited::error || waited == Waited::deadlock) return false;
      if (waited == Waited::timed_out) {
        taking->result = {Outcome::timed_out};
      } else if (arguments.may_block && taking->result.outcome == Outcome::timed_out) {
        return true;  // see go_on_taking
      }
      break;
    }
    default:
      break;
  }
  raise_outcome(taking->result, empty_error);
  return false;
}

// What an earlier call has left; at most so many.
std::vector<LeftOver> take_left_over(PyObject* self, std::size_t most) {
  std::vector<LeftOver> taken;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  std::deque<LeftOver>& left = *queue_object(self)->left_over;
  // A child that was forked meanwhile has only copies.
  while (!left.empty() && left.front().generation != os::fork_generation()) left.pop_front();
  while (taken.size() < most && !left.empty()) {
    taken.push_back(std::move(left.front()));
    left.pop_front();
  }
  queue_object(self)->left_over_size.store(left.size(), std::memory_order_release);
  NATIVECONC_END_EXCLUSIVE();
  return taken;
}

// Takes over the list.
void leave_over(PyObject* self, PyObject* list, std::vector<LeftOver>& messages,
                std::size_t first) {
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  std::deque<LeftOver>& left = *queue_object(self)->left_over;
  for (std::size_t i = messages.size(); i > first; --i) {
    left.push_front(std::move(messages[i - 1]));
  }
  for (Py_ssize_t i = PyList_GET_SIZE(list); i > 0; --i) {
    PyObject* object = Py_NewRef(PyList_GET_ITEM(list, i - 1));
    left.push_front({{}, object, os::fork_generation()});
  }
  queue_object(self)->left_over_size.store(left.size(), std::memory_order_release);
  NATIVECONC_END_EXCLUSIVE();
  Py_DECREF(list);
}

// The object of it; null with a Python error.
PyObject* read_left_over(LeftOver& one) {
  if (one.object != nullptr) return std::exchange(one.object, nullptr);
  return read_message(std::move(one.message));
}

PyObject* get_object(PyObject* self, const QueueArguments& arguments) {
  Queue* const queue = queue_of(self);
  if (queue == nullptr) return nullptr;
  for (;;) {
    if (has_left_over(self)) [[unlikely]] {
      std::vector<LeftOver> left = take_left_over(self, 1);
      if (!left.empty()) return read_left_over(left[0]);
    }
    Taking taking{self, *queue, shared::kNobody, 1, arguments.may_block};
    if (!take_some(self, arguments, &taking)) return nullptr;
    if (!taking.taken.empty()) [[likely]]
      return read_message(std::move(taking.taken[0]));
  }
}

// Some that are left over, or else some from the queue. Empty with a Python error.
std::vector<LeftOver> take_messages(PyObject* self, const QueueArguments& arguments,
                                    std::size_t most) {
  for (;;) {
    std::vector<LeftOver> messages;
    if (has_left_over(self)) messages = take_left_over(self, most);
    if (!messages.empty()) return messages;
    Taking taking{self, *queue_of(self), shared::kNobody, most, arguments.may_block};
    if (!take_some(self, arguments, &taking)) return messages;
    messages.reserve(taking.taken.size());
    for (Incoming& message : taking.taken) {
      messages.push_back({std::move(message), nullptr, os::fork_generation()});
    }
    if (!messages.empty()) return messages;
  }
}

}  // namespace

PyObject* queue_get(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  QueueArguments arguments;
  if (nargs > 0 || kwnames != nullptr) {
    if (!parse_queue_arguments({"get", nullptr}, args, nargs, kwnames, &arguments)) return nullptr;
  }
  return get_object(self, arguments);
}

PyObject* queue_get_nowait(PyObject* self, PyObject*) {
  return get_object(self, {nullptr, false, Deadline::never()});
}

PyObject* queue_get_many(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames) {
  QueueArguments arguments;
  if (!parse_queue_arguments({"get_many", "max_items"}, args, nargs, kwnames, &arguments))
    return nullptr;
  if (PyIndex_Check(arguments.first) == 0) {
    PyErr_Format(PyExc_TypeError, "max_items must be an int, not %.100s",
                 Py_TYPE(arguments.first)->tp_name);
    return nullptr;
  }
  const Py_ssize_t most = PyNumber_AsSsize_t(arguments.first, nullptr);  // any more are as many
  if (most == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (most < 1) {
    PyErr_Format(PyExc_ValueError, "max_items must be at least 1, not %R", arguments.first);
    return nullptr;
  }
  if (queue_of(self) == nullptr) return nullptr;
  std::vector<LeftOver> messages = take_messages(self, arguments, static_cast<std::size_t>(most));
  if (messages.empty()) return nullptr;
  PyObject* list = PyList_New(0);
  if (list == nullptr) return nullptr;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    PyObject* object = read_left_over(messages[i]);
    const bool is_read = object != nullptr && PyList_Append(list, object) == 0;
    Py_XDECREF(object);
    if (is_read) continue;
    // That one is lost; all others come with the next calls.
    leave_over(self, list, messages, i + 1);
    return nullptr;
  }
  return list;
}

}  // namespace nativeconc::seam
