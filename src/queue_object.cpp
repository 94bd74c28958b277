// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "queue_object.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "buffer_object.hpp"
#include "errors.hpp"
#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/shared/shared_error.hpp"
#include "segment_creation.hpp"
#include "segment_name.hpp"

namespace nativeconc::seam {
namespace {

using shared::Lease;
using shared::Queue;

// Without a name big messages lie beside the ring, and memory is taken when they are put.
constexpr std::uint64_t kCapacity = 256 << 20;
constexpr std::uint64_t kMostRing = 4 << 20;
// With one all of it is taken at once.
constexpr std::uint64_t kNamedCapacity = 16 << 20;

bool is_queue(const Lease& lease) {
  return lease.segment->header().kind == shared::SegmentKind::queue &&
         lease.size >= Queue::bytes_for(8) && lease.size % 8 == 0;
}

void begin(std::byte* memory, const void* capacity) {
  Queue::begin(memory, *static_cast<const std::uint64_t*>(capacity));
}

Lease create(std::uint64_t capacity, const std::string& name) {
  SegmentRequest request;
  const std::uint64_t ring = name.empty() ? std::min(capacity, kMostRing) : capacity;
  request.size = Queue::bytes_for((ring + 7) / 8 * 8);
  request.name = name;
  request.meta = "Queue capacity_bytes=" + std::to_string(capacity);
  request.kind = shared::SegmentKind::queue;
  request.exist_ok = true;
  request.initialize = begin;
  request.argument = &capacity;
  return create_or_open(request);
}

// The memory of a new queue, or of the one with the name; `capacity` 0: of any. Without a segment
// and with a Python error if that cannot be.
Lease make_memory(std::uint64_t capacity, const std::string& name) {
  if (name.empty()) return create(capacity == 0 ? kCapacity : capacity, name);
  if (capacity != 0) return create(capacity, name);
  for (;;) {
    try {
      return shared::Memory::instance().open(name, shared::Access::read_write);
    } catch (const shared::SharedError& error) {
      if (error.fault() != shared::SharedFault::not_found) {
        set_error_from_current_exception();
        return {};
      }
    } catch (...) {  // it cannot be a name
      set_error_from_current_exception();
      return {};
    }
    const Lease lease = create(kNamedCapacity, name);
    if (lease.segment != nullptr || PyErr_ExceptionMatches(PyExc_ValueError) == 0) return lease;
    PyErr_Clear();  // another process has just made one of another capacity
    if (PyErr_CheckSignals() != 0) return {};
  }
}

bool parse_capacity(PyObject* object, std::uint64_t* capacity) {
  *capacity = 0;
  if (object == Py_None) return true;
  if (!parse_size(object, capacity, "capacity_bytes")) return false;
  if (*capacity > 0) return true;
  PyErr_SetString(PyExc_ValueError, "capacity_bytes must be at least 1, not 0");
  return false;
}

// Takes over the reference to the buffer, and the mail. False with a Python error.
bool adopt(PyObject* self, PyObject* buffer, std::unique_ptr<shared::Mail> mail) {
  const Lease* lease = open_lease(buffer);
  if (lease != nullptr && !is_queue(*lease)) {
    PyErr_Format(PyExc_ValueError, "what is named %R is no queue", buffer_object(buffer)->name);
    lease = nullptr;
  }
  if (lease == nullptr) {
    Py_DECREF(buffer);
    return false;
  }
  QueueObject* const object = queue_object(self);
  try {
    object->left_over = new std::deque<LeftOver>;
    object->queue = new Queue(lease->data, lease->size - Queue::bytes_for(0), std::move(mail));
  } catch (...) {
    set_error_from_current_exception();
    delete std::exchange(object->left_over, nullptr);
    Py_DECREF(buffer);
    return false;
  }
  object->buffer = buffer;
  return true;
}

}  // namespace

Queue* queue_of(PyObject* self) {
  if (queue_object(self)->buffer != nullptr) [[likely]]
    return queue_object(self)->queue;
  PyErr_Format(PyExc_RuntimeError, "%.200s.__init__() has not been called", Py_TYPE(self)->tp_name);
  return nullptr;
}

std::size_t left_over_count(PyObject* self) {
  std::size_t count = 0;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  for (const LeftOver& left : *queue_object(self)->left_over) {
    if (left.generation == os::fork_generation()) ++count;
  }
  NATIVECONC_END_EXCLUSIVE();
  return count;
}

PyObject* new_queue(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) new (&queue_object(self)->stats) sync::WaitStats;
  return self;
}

int init_queue(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"capacity_bytes", "name", nullptr};
  PyObject* capacity_object = Py_None;
  PyObject* name_object = Py_None;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "|O$O:Queue", const_cast<char**>(keywords),
                                  &capacity_object, &name_object) == 0) {
    return -1;
  }
  if (queue_object(self)->buffer != nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "__init__() has been called already");
    return -1;
  }
  std::uint64_t capacity = 0;
  std::string name;
  if (!parse_capacity(capacity_object, &capacity) || !parse_name(name_object, &name)) return -1;
  std::unique_ptr<shared::Mail> mail;
  try {
    if (name.empty()) mail = std::make_unique<shared::Mail>();
  } catch (...) {
    set_error_from_current_exception();
    return -1;
  }
  const Lease lease = make_memory(capacity, name);
  if (lease.segment == nullptr) return -1;
  PyObject* buffer = new_buffer_object(buffer_type(), lease);
  return buffer != nullptr && adopt(self, buffer, std::move(mail)) ? 0 : -1;
}

void dealloc_queue(PyObject* self) {
  QueueObject* const object = queue_object(self);
  if (object->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  PyObject* const buffer = object->buffer;
  delete object->queue;
  if (object->left_over != nullptr) {
    for (LeftOver& left : *object->left_over) Py_CLEAR(left.object);
  }
  delete object->left_over;
  free_instance(self);
  Py_XDECREF(buffer);
}

PyObject* queue_over(PyObject* type, PyObject* args) {
  PyObject* buffer = nullptr;
  int in = -1;
  int out = -1;
  if (PyArg_ParseTuple(args, "O!ii:_over", buffer_type(), &buffer, &in, &out) == 0) return nullptr;
  std::unique_ptr<shared::Mail> mail;
  if (in >= 0 && out >= 0) {
    mail = std::make_unique<shared::Mail>(shared::FileDescriptor(in), shared::FileDescriptor(out));
  }
  PyObject* self = new_queue(reinterpret_cast<PyTypeObject*>(type), nullptr, nullptr);
  if (self == nullptr || !adopt(self, Py_NewRef(buffer), std::move(mail))) Py_CLEAR(self);
  return self;
}

}  // namespace nativeconc::seam
