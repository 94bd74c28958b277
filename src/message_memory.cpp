// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "message_memory.hpp"

#include <new>
#include <utility>

#include "gil.hpp"
#include "heap_type.hpp"

namespace nativeconc::seam {
namespace {

struct MessageMemory {
  PyObject_HEAD std::unique_ptr<std::byte[]> bytes;
  shared::MessageMapping mapping;
  std::byte* data;
  std::uint64_t size;
};

// Unmapping more than this takes long enough to let others run.
constexpr std::uint64_t kQuickRelease = 1 << 20;

MessageMemory* memory_of(PyObject* self) { return reinterpret_cast<MessageMemory*>(self); }

PyTypeObject* type = nullptr;

PyObject* new_memory() {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  new (&memory_of(self)->bytes) std::unique_ptr<std::byte[]>;
  new (&memory_of(self)->mapping) shared::MessageMapping;
  return self;
}

void dealloc(PyObject* self) {
  MessageMemory* const memory = memory_of(self);
  auto* const mapping = new (std::nothrow) shared::MessageMapping(std::move(memory->mapping));
  memory->bytes.~unique_ptr();
  free_instance(self);
  // On the heap, so that nothing is destroyed if the interpreter ends while this thread asks for
  // the GIL.
  if (mapping != nullptr && mapping->size() > kQuickRelease && !is_finalizing()) {
    PyThreadState* state = release_gil();
    delete mapping;
    take_gil(state);
  } else {
    delete mapping;
  }
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const MessageMemory* const memory = memory_of(self);
  return PyBuffer_FillInfo(view, self, memory->data, static_cast<Py_ssize_t>(memory->size), 0,
                           flags);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The memory of arrays that came through a shared.Queue.")},
    {Py_tp_dealloc, as_slot(dealloc)},
    {Py_bf_getbuffer, as_slot(get_buffer)},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc._core.MessageMemory", sizeof(MessageMemory), 0,
                    kHeapTypeFlags | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* new_message_memory(shared::MessageMapping mapping) {
  PyObject* self = new_memory();
  if (self == nullptr) return nullptr;
  memory_of(self)->data = mapping.base();
  memory_of(self)->size = mapping.size();
  memory_of(self)->mapping = std::move(mapping);
  return self;
}

PyObject* new_message_memory(std::unique_ptr<std::byte[]> bytes, std::uint64_t size) {
  PyObject* self = new_memory();
  if (self == nullptr) return nullptr;
  memory_of(self)->data = bytes.get();
  memory_of(self)->size = size;
  memory_of(self)->bytes = std::move(bytes);
  return self;
}

void bind_message_memory(py::module_& m) { type = make_heap_type(m, spec); }

}  // namespace nativeconc::seam
