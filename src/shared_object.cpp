// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "shared_object.hpp"

#include <algorithm>
#include <array>

#include "buffer_object.hpp"
#include "entry_method.hpp"
#include "errors.hpp"
#include "forfeit.hpp"
#include "segment_creation.hpp"
#include "segment_name.hpp"
#include "stats.hpp"

namespace nativeconc::seam {
namespace {

using shared::PrimitiveHeader;
using shared::PrimitiveKind;

PyObject* shared_name(PyObject* self, void*) { return get_name(self, lock_header(self)->origin); }

PyObject* shared_buffer(PyObject* self, void*) {
  return is_made(self) ? Py_NewRef(shared_object(self)->buffer) : nullptr;
}

// The buffer's memory as the primitive it is said to be. Null with a Python error.
PrimitiveHeader* primitive_in(PyObject* buffer, PrimitiveKind kind, std::size_t size) {
  const shared::Lease* lease = open_lease(buffer);
  if (lease == nullptr) return nullptr;
  auto* const header = reinterpret_cast<PrimitiveHeader*>(lease->data);
  const char* fault = lease->size != size ? "its size is another" : nullptr;
  if (lease->segment->access() == shared::Access::read_only) fault = "it is open to read only";
  try {
    if (fault == nullptr) fault = shared::why_not(*header, kind);
  } catch (...) {
    set_error_from_current_exception();
    return nullptr;
  }
  if (fault == nullptr) return header;
  PyErr_Format(errors().segment_error, "this shared memory cannot be used as what it should be: %s",
               fault);
  return nullptr;
}

// Takes over the reference to the buffer.
void adopt(PyObject* self, PyObject* buffer, PrimitiveHeader* primitive) {
  SharedObject* const object = shared_object(self);
  object->buffer = buffer;
  object->primitive = primitive;
}

std::array<PyTypeObject*, 8> shared_types{};

struct Beginning {
  const PrimitiveRequest& request;

  static void write(std::byte* memory, const void* argument) {
    const PrimitiveRequest& request = static_cast<const Beginning*>(argument)->request;
    shared::begin_primitive(*reinterpret_cast<PrimitiveHeader*>(memory), request.kind);
    if (request.initialize != nullptr) request.initialize(memory, request.argument);
  }
};

// The memory of a new primitive, or of what has the name. Null with a Python error.
PyObject* make_buffer(const PrimitiveRequest& wanted, const std::string& name) {
  const Beginning beginning{wanted};
  SegmentRequest request;
  request.size = wanted.size;
  request.name = name;
  request.meta = wanted.description;
  request.kind = shared::SegmentKind::primitive;
  request.exist_ok = true;
  request.initialize = Beginning::write;
  request.argument = &beginning;
  const shared::Lease lease = create_or_open(request);
  return lease.segment == nullptr ? nullptr : new_buffer_object(buffer_type(), lease);
}

}  // namespace

bool refuse_unmade(PyObject* self) {
  PyErr_Format(PyExc_RuntimeError, "%.200s.__init__() has not been called", Py_TYPE(self)->tp_name);
  return false;
}

bool register_shared_thread(shared::ThreadNumber* number) {
  try {
    *number = shared::this_thread_number();
    return true;
  } catch (...) {
    set_error_from_current_exception();
    return false;
  }
}

bool make_shared(PyObject* self, const PrimitiveRequest& request, PyObject* name) {
  if (shared_object(self)->primitive != nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "__init__() has been called already");
    return false;
  }
  std::string segment_name;
  if (!parse_name(name, &segment_name)) return false;
  shared::ThreadNumber number = shared::kNobody;
  if (!get_thread_number(&number)) return false;  // the directory is there from now on
  PyObject* buffer = make_buffer(request, segment_name);
  if (buffer == nullptr) return false;
  PrimitiveHeader* const primitive = primitive_in(buffer, request.kind, request.size);
  if (primitive == nullptr || !set_name(self, lock_header(self)->origin, name)) {
    Py_DECREF(buffer);
    return false;
  }
  adopt(self, buffer, primitive);
  return true;
}

PyObject* make_over(PyTypeObject* type, PyObject* buffer, PrimitiveKind kind, std::size_t size) {
  if (PyObject_TypeCheck(buffer, buffer_type()) == 0) {
    PyErr_Format(PyExc_TypeError, "expected a shared.Buffer, not %.100s", Py_TYPE(buffer)->tp_name);
    return nullptr;
  }
  shared::ThreadNumber number = shared::kNobody;
  if (!get_thread_number(&number)) return nullptr;
  PrimitiveHeader* const primitive = primitive_in(buffer, kind, size);
  if (primitive == nullptr) return nullptr;
  PyObject* self = new_shared(type, nullptr, nullptr);
  if (self == nullptr) return nullptr;
  adopt(self, Py_NewRef(buffer), primitive);
  if (!set_name(self, lock_header(self)->origin, buffer_object(buffer)->name)) Py_CLEAR(self);
  return self;
}

PyObject* make_inside(PyTypeObject* type, PyObject* outer, PrimitiveHeader* primitive) {
  PyObject* self = new_shared(type, nullptr, nullptr);
  if (self != nullptr) adopt(self, Py_NewRef(shared_object(outer)->buffer), primitive);
  return self;
}

PyObject* reduce_shared(PyObject* self, PyObject* arguments) {
  if (arguments == nullptr || !is_made(self)) {
    Py_XDECREF(arguments);
    return nullptr;
  }
  PyObject* over = PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(self)), "_over");
  PyObject* buffer = PyTuple_Pack(1, shared_object(self)->buffer);
  PyObject* all = buffer == nullptr ? nullptr : PySequence_Concat(buffer, arguments);
  PyObject* state = PyObject_GetAttrString(self, "__dict__");  // subclasses have one
  if (state == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) {
    PyErr_Clear();
    state = Py_NewRef(Py_None);
  }
  PyObject* reduced = over == nullptr || all == nullptr || state == nullptr
                          ? nullptr
                          : PyTuple_Pack(3, over, all, state);
  Py_XDECREF(over);
  Py_XDECREF(buffer);
  Py_XDECREF(all);
  Py_XDECREF(state);
  Py_DECREF(arguments);
  return reduced;
}

PyObject* refuse_copying(PyObject* self, PyObject*) {
  PyErr_Format(PyExc_TypeError,
               "cannot copy '%.200s' object: it is shared; pickling gives another process a handle",
               Py_TYPE(self)->tp_name);
  return nullptr;
}

PyObject* new_shared(PyTypeObject* type, PyObject*, PyObject*) { return new_lock(type); }

void dealloc_shared(PyObject* self) {
  PyObject* const buffer = shared_object(self)->buffer;
  dealloc_lock(self);
  Py_XDECREF(buffer);
}

PyObject* shared_repr(PyObject* self, const char* state, const char* details) {
  return lock_repr(self, state, details);
}

PyObject* shared_state_repr(PyObject* self, const char* state) {
  PyObject* type = qualified_type_name(self);
  if (type == nullptr) return nullptr;
  PyObject* name = shared_name(self, nullptr);
  PyObject* repr = Py_IsNone(name) != 0
                       ? PyUnicode_FromFormat("<%U at %p: %s>", type, self, state)
                       : PyUnicode_FromFormat("<%U %R at %p: %s>", type, name, self, state);
  Py_DECREF(name);
  Py_DECREF(type);
  return repr;
}

shared::SharedWant want_of(PyObject* self) {
  shared::SharedWant want;
  want.primitive = self;
  want.uid = shared_object(self)->primitive->uid;
  return want;
}

PyObject* make_shared_stats(PyObject* self, shared::ThreadNumber owner) {
  if (!is_made(self)) return nullptr;
  const shared::ThreadIdentity who =
      owner == shared::kNobody ? shared::ThreadIdentity{} : shared::identify(owner);
  PyObject* holder = who.pid == 0 ? Py_NewRef(Py_None) : Py_BuildValue("(ii)", who.pid, who.tid);
  const shared::PrimitiveHeader& primitive = *shared_object(self)->primitive;
  return make_stats_of(primitive.totals, shared::count_waiters(primitive.uid), holder);
}

PyGetSetDef shared_properties[] = {
    {"name", shared_name, nullptr, "The name by which others meet here, or None.", nullptr},
    {"_buffer", shared_buffer, nullptr, "The memory that it lies in.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

const void* identity_of(PyObject* object) {
  for (const PyTypeObject* type : shared_types) {
    if (type != nullptr && PyObject_TypeCheck(object, const_cast<PyTypeObject*>(type)) != 0) {
      const void* const memory = shared_object(object)->primitive;
      return memory == nullptr ? object : memory;
    }
  }
  return object;
}

PyTypeObject* add_shared_type(py::module_& m, PyType_Spec& spec, PyTypeObject* base) {
  PyTypeObject* type = make_heap_type(m, spec, base);
  if (!bind_entries_quickly(type)) throw py::error_already_set();
  *std::find(shared_types.begin(), shared_types.end(), nullptr) = type;
  m.attr(("Shared" + std::string(type->tp_name).substr(std::string(type->tp_name).rfind('.') + 1))
             .c_str()) = py::handle(reinterpret_cast<PyObject*>(type));
  return type;
}

}  // namespace nativeconc::seam
