// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What all primitives of nativeconc.shared have in common: an object here, its state in shared
// memory.
//
// The memory is a shared.Buffer, which the object keeps; so names, handles, forks and the end of
// processes are what they are for buffers. An anonymous one is a block of an arena.
//
// Needs the GIL.
#pragma once

#include <string>

#include "lock_header.hpp"
#include "nativeconc/shared/primitive_header.hpp"
#include "nativeconc/shared/wait_board.hpp"

namespace nativeconc::seam {

// Each type begins like this. `stats` counts the waits of this process, the header of the state
// those of all.
struct SharedObject {
  LockHeader header;
  PyObject* buffer;  // null until __init__
  shared::PrimitiveHeader* primitive;
};

inline SharedObject* shared_object(PyObject* self) { return reinterpret_cast<SharedObject*>(self); }

// The state of an object that is_made().
template <class State>
State& shared_state(PyObject* self) {
  return reinterpret_cast<shared::Primitive<State>*>(shared_object(self)->primitive)->state;
}

// False with a RuntimeError if __init__ has not been called.
bool refuse_unmade(PyObject* self);
inline bool is_made(PyObject* self) {
  if (shared_object(self)->primitive != nullptr) [[likely]]
    return true;
  return refuse_unmade(self);
}

// The calling thread's number in the directory of threads. False with a Python error.
bool register_shared_thread(shared::ThreadNumber* number);
inline bool get_thread_number(shared::ThreadNumber* number) {
  *number = shared::detail::this_thread_number;
  if (*number != shared::kNobody) [[likely]]
    return true;
  return register_shared_thread(number);
}

// What is to be made, or found under its name.
struct PrimitiveRequest {
  shared::PrimitiveKind kind;
  std::string description;  // "Lock on_owner_death=raise": two with one name must agree in it
  std::size_t size;         // of Primitive<State>
  // Writes what is not zero at the beginning; may be null.
  void (*initialize)(std::byte* memory, const void* argument);
  const void* argument;
};

// __init__. Fails, and changes nothing, if it has been called before. False with a Python error.
bool make_shared(PyObject* self, const PrimitiveRequest& request, PyObject* name);

// A new object of the type over the memory of another. Null with a Python error.
PyObject* make_over(PyTypeObject* type, PyObject* buffer, shared::PrimitiveKind kind,
                    std::size_t size);

// The same of what lies in the memory of another, `outer`.
PyObject* make_inside(PyTypeObject* type, PyObject* outer, shared::PrimitiveHeader* primitive);

// The parts of __reduce__: (type._over, (buffer, *arguments), __dict__). Steals `arguments`, a
// tuple.
PyObject* reduce_shared(PyObject* self, PyObject* arguments);

// __copy__ and __deepcopy__: a TypeError.
PyObject* refuse_copying(PyObject* self, PyObject*);

PyObject* new_shared(PyTypeObject* type, PyObject*, PyObject*);
void dealloc_shared(PyObject* self);

// "<locked nativeconc.shared.Lock object 'name' at 0x...>"
PyObject* shared_repr(PyObject* self, const char* state, const char* details);
// "<nativeconc.shared.Event 'name' at 0x...: set>"
PyObject* shared_state_repr(PyObject* self, const char* state);

// What others are told of a wait for what nobody owns.
shared::SharedWant want_of(PyObject* self);

// stats(): `owner` of a lock, or kNobody.
PyObject* make_shared_stats(PyObject* self, shared::ThreadNumber owner);

// The properties `name` and `_buffer`; types without more use this list.
extern PyGetSetDef shared_properties[];

// The memory of a shared primitive, which its handles in one process have in common; the object
// itself, if it is something else.
const void* identity_of(PyObject* object);

// Adds the type to the module as "Shared" and the last part of its name.
PyTypeObject* add_shared_type(py::module_& m, PyType_Spec& spec, PyTypeObject* base = nullptr);

}  // namespace nativeconc::seam
