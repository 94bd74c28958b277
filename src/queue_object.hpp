// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The Python object behind shared.Queue: a view of a queue in shared memory, which a shared.Buffer
// holds, and (of an anonymous one) the mail.
//
// Needs the GIL, or on free-threaded builds the object's critical section for what is left over.
#pragma once

#include <atomic>
#include <deque>

#include "heap_type.hpp"
#include "nativeconc/shared/queue.hpp"
#include "nativeconc/sync/wait_stats.hpp"

namespace nativeconc::seam {

// What get_many() took in one go with a message that could not be unpickled: the next calls return
// it. It is the process's that took it.
struct LeftOver {
  shared::Incoming message;
  PyObject* object = nullptr;    // owned: it was unpickled already
  std::uint32_t generation = 0;  // os::fork_generation()
};

struct QueueObject {
  PyObject_HEAD PyObject* buffer;  // null until it is made, with all that follows
  shared::Queue* queue;
  std::deque<LeftOver>* left_over;
  std::atomic<std::size_t> left_over_size;  // who waits for a message looks here, too
  sync::WaitStats stats;
  PyObject* weakrefs;
};

inline QueueObject* queue_object(PyObject* self) { return reinterpret_cast<QueueObject*>(self); }

// The queue; null with a RuntimeError if __init__ has not been called.
shared::Queue* queue_of(PyObject* self);

// How many messages get_many() has left over for the next calls of this process.
std::size_t left_over_count(PyObject* self);

PyObject* new_queue(PyTypeObject* type, PyObject*, PyObject*);
int init_queue(PyObject* self, PyObject* args, PyObject* kwargs);
void dealloc_queue(PyObject* self);

// Queue._over(buffer, in, out): over the memory of another, which must be one of a queue, and the
// descriptors of its mail, which are taken over; -1 where there is none.
PyObject* queue_over(PyObject* type, PyObject* args);

}  // namespace nativeconc::seam
