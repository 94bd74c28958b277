// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// shared.Buffer.
#include <cstddef>

#include "bindings.hpp"
#include "buffer_object.hpp"
#include "python_part.hpp"
#include "segment_creation.hpp"
#include "segment_name.hpp"

namespace nativeconc::seam {
namespace {

PyObject* buffer_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"size", "name", "exist_ok", "huge_pages", "prefault", nullptr};
  PyObject* size = nullptr;
  PyObject* name = Py_None;
  int exist_ok = 0;
  int huge_pages = 0;
  int prefault = 0;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|$Oppp:Buffer", const_cast<char**>(keywords),
                                  &size, &name, &exist_ok, &huge_pages, &prefault) == 0) {
    return nullptr;
  }
  SegmentRequest request;
  if (!parse_size(size, &request.size) || !parse_name(name, &request.name)) return nullptr;
  request.exist_ok = exist_ok != 0;
  request.huge_pages = huge_pages != 0;
  request.prefault = prefault != 0;
  const shared::Lease lease = create_or_open(request);
  return lease.segment == nullptr ? nullptr : new_buffer_object(type, lease);
}

PyObject* buffer_size(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(buffer_object(self)->size);
}

Py_ssize_t buffer_length(PyObject* self) {
  return static_cast<Py_ssize_t>(buffer_object(self)->size);
}

// Reads something of the segment of an open buffer.
template <class Read>
PyObject* read_open(PyObject* self, Read read) {
  PyObject* result = nullptr;
  NATIVECONC_BEGIN_EXCLUSIVE(self);
  const shared::Lease* lease = open_lease(self);
  if (lease != nullptr) result = read(*lease);
  NATIVECONC_END_EXCLUSIVE();
  return result;
}

PyObject* buffer_name(PyObject* self, void*) { return Py_NewRef(buffer_object(self)->name); }

PyObject* buffer_meta(PyObject* self, void*) {
  return read_open(self, [](const shared::Lease& lease) {
    const std::string& meta = lease.segment->meta();
    return PyBytes_FromStringAndSize(meta.data(), static_cast<Py_ssize_t>(meta.size()));
  });
}

PyObject* buffer_address(PyObject* self, void*) {
  return read_open(self, [](const shared::Lease& lease) { return PyLong_FromVoidPtr(lease.data); });
}

PyObject* buffer_closed(PyObject* self, void*) {
  return PyBool_FromLong(buffer_object(self)->is_closed ? 1 : 0);
}

PyObject* buffer_readonly(PyObject* self, void*) {
  return PyBool_FromLong(buffer_object(self)->is_readonly ? 1 : 0);
}

PyObject* buffer_pages(PyObject* self, void*) {
  return call_python("nativeconc.shared._pages", "pages_of", PyTuple_Pack(1, self));
}

PyObject* buffer_reduce(PyObject* self, PyObject*) {
  return call_python("nativeconc.shared._handles", "reduce_buffer", PyTuple_Pack(1, self));
}

PyObject* buffer_copy(PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError,
                  "a Buffer cannot be copied: it is memory that others see too; "
                  "bytes(buffer) copies its content");
  return nullptr;
}

PyObject* buffer_enter(PyObject* self, PyObject*) {
  return read_open(self, [self](const shared::Lease&) { return Py_NewRef(self); });
}

PyObject* buffer_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  return close_buffer(self, nullptr);
}

PyObject* buffer_send(PyObject* self, PyObject*) {
  return read_open(self, [self](const shared::Lease& lease) -> PyObject* {
    const shared::Handle handle = shared::Memory::instance().send(lease);
    const bool is_readonly = lease.segment->access() == shared::Access::read_only;
    return Py_BuildValue("(y#IIiKiOOO)", reinterpret_cast<const char*>(&handle.id),
                         static_cast<Py_ssize_t>(sizeof handle.id), handle.block, handle.generation,
                         handle.flight, static_cast<unsigned long long>(handle.size),
                         lease.segment->fd(), buffer_object(self)->name,
                         is_readonly ? Py_True : Py_False,
                         lease.segment->is_arena() ? Py_True : Py_False);
  });
}

// The number of a handle: -1 or more. False with a Python error.
bool parse_flight(PyObject* object, shared::Handle* handle) {
  const long number = PyLong_AsLong(object);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  if (number < -1 || number > shared::Segment::kMaxHandle) {
    PyErr_SetString(PyExc_ValueError, "this is no number of a handle");
    return false;
  }
  handle->flight = static_cast<int>(number);
  return true;
}

PyObject* buffer_arrived(PyObject* self, PyObject* flight) {
  shared::Handle handle;
  if (!parse_flight(flight, &handle)) return nullptr;
  return read_open(self, [&handle](const shared::Lease& lease) {
    return PyBool_FromLong(shared::Memory::arrived(lease, handle) ? 1 : 0);
  });
}

PyObject* buffer_recall(PyObject* self, PyObject* flight) {
  shared::Handle handle;
  if (!parse_flight(flight, &handle)) return nullptr;
  return read_open(self, [&handle](const shared::Lease& lease) {
    lease.segment->mark_received(lease.block, handle.flight);
    return Py_NewRef(Py_None);
  });
}

PyObject* buffer_repr(PyObject* self) {
  const BufferObject* object = buffer_object(self);
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  PyObject* repr = nullptr;
  const auto size = static_cast<unsigned long long>(object->size);
  const char* state = object->is_closed ? " closed" : object->is_readonly ? " readonly" : "";
  if (object->name != Py_None) {
    repr = PyUnicode_FromFormat("<%U size=%llu name=%R%s>", type, size, object->name, state);
  } else {
    repr = PyUnicode_FromFormat("<%U size=%llu%s>", type, size, state);
  }
  Py_DECREF(type);
  return repr;
}

PyMethodDef methods[] = {
    {"close", close_buffer, METH_NOARGS,
     "close($self, /)\n--\n\n"
     "Let go of the memory; closing twice is allowed. Views that exist stay valid: the memory\n"
     "goes with the last of them. A name goes when the last process that holds it lets go.\n\n"
     "Does not block; releases the GIL while it unmaps more than a megabyte."},
    {"__enter__", buffer_enter, METH_NOARGS, nullptr},
    {"__exit__", as_method(buffer_exit), METH_FASTCALL, nullptr},
    {"__reduce__", buffer_reduce, METH_NOARGS, nullptr},
    {"__copy__", buffer_copy, METH_NOARGS, nullptr},
    {"__deepcopy__", buffer_copy, METH_O, nullptr},
    {"_send", buffer_send, METH_NOARGS,
     "_send($self, /)\n--\n\n"
     "(id, block, generation, flight, size, fd, name, readonly, is_block) of a handle."},
    {"_arrived", buffer_arrived, METH_O,
     "_arrived($self, flight, /)\n--\n\nWhether the handle of this number was received."},
    {"_recall", buffer_recall, METH_O,
     "_recall($self, flight, /)\n--\n\nThe handle of this number does not arrive."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(BufferObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"size", buffer_size, nullptr, "Bytes: exactly as many as were asked for.", nullptr},
    {"name", buffer_name, nullptr, "The name by which others attach (or did), or None.", nullptr},
    {"readonly", buffer_readonly, nullptr, "Whether this process may only read.", nullptr},
    {"closed", buffer_closed, nullptr, "Whether close() was called.", nullptr},
    {"pages", buffer_pages, nullptr,
     "What pages the memory has got: a Pages(page_size, resident, huge), in bytes.", nullptr},
    {"_meta", buffer_meta, nullptr, "What the creator wrote beside the data, as bytes.", nullptr},
    {"_address", buffer_address, nullptr, "Where the data lies in this process.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Buffer(size, *, name=None, exist_ok=False, huge_pages=False, prefault=False)\n--\n\n"
         "Memory that processes share: zeroed bytes, seen through the buffer protocol\n"
         "(memoryview(buffer), numpy.frombuffer(buffer)).\n\n"
         "Without a name it has no trace in the file system, and the kernel frees it with the "
         "last\n"
         "process that uses it. With one, unrelated processes find it by shared.attach(name); the\n"
         "name goes with its last holder, however that ends.\n\n"
         "Args:\n"
         "    size: bytes, 0 or more.\n"
         "    name: 1 to 200 bytes of UTF-8, printable and without '/'; None for none.\n"
         "    exist_ok: attach to what has the name, if it is the same.\n"
         "    huge_pages: ask for huge pages, touching all pages now; `pages` tells what came.\n"
         "    prefault: touch all pages now, so that first use is quick.\n\n"
         "Raises:\n"
         "    FileExistsError: the name is taken, and exist_ok is false.\n"
         "    ValueError: the size is negative, the name cannot be one, or what has the name is\n"
         "        another buffer, or no buffer.\n"
         "    SharedMemoryFull: no memory, no room in /dev/shm, or no address space is left.\n"
         "    SegmentError: the name belongs to a file that is no shared memory.\n"
         "    OSError: the system refuses (too many open files, say).\n\n"
         "Space is reserved at once, so that using it later cannot fail. A forked child shares "
         "the\n"
         "memory; pickling gives another process a handle of it. Releases the GIL while it\n"
         "reserves a megabyte or more, which Ctrl-C interrupts.")},
    {Py_tp_new, as_slot(buffer_new)},
    {Py_tp_dealloc, as_slot(dealloc_buffer)},
    {Py_tp_repr, as_slot(buffer_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {Py_bf_getbuffer, as_slot(get_buffer)},
    {Py_bf_releasebuffer, as_slot(release_buffer)},
    {Py_sq_length, as_slot(buffer_length)},
    {0, nullptr},
};

PyType_Spec spec = {"nativeconc.shared.Buffer", sizeof(BufferObject), 0,
                    kHeapTypeFlags | Py_TPFLAGS_BASETYPE, slots};

PyTypeObject* buffer = nullptr;

}  // namespace

PyTypeObject* buffer_type() { return buffer; }

void bind_buffer(py::module_& m) { buffer = add_heap_type(m, spec); }

}  // namespace nativeconc::seam
