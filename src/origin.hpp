// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Where a lock comes from: what reports call it, and which class of locks it belongs to.
//
// The place is where the program made it: frames of the threading module are passed over, so that a
// patched threading.Event() belongs to its caller. Locks made at one place are one class. Needs the
// GIL.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "python.hpp"

namespace nativeconc::seam {

struct Origin {
  PyCodeObject* code;  // null: made where no Python code runs
  int instruction;     // offset into its bytecode
  PyObject* name;      // a str, or null
  // Nodes of the lock-order graph: of the class, and of this lock alone; and which of the graphs
  // that there have been they belong to (0: none). Written and read in lock_order.cpp alone.
  std::atomic<std::uint64_t> class_node;
  std::atomic<std::uint64_t> own_node;
  std::atomic<std::uint32_t> generation;
  // How many threads' records say that they hold it (see tracking.hpp).
  std::atomic<std::uint32_t> records;
};

// A place in Python code, holding a reference to the code.
struct Place {
  PyCodeObject* code = nullptr;
  int instruction = 0;
};

// Where Python code is running now, outside of threading; code is null if nowhere.
Place current_place();

// (filename, line, function) of a place, or None. A new reference, or null with an error.
PyObject* describe_place(const PyCodeObject* code, int instruction);

// The whole stack: a tuple of such triples, outermost first, at most 32.
PyObject* describe_stack();

// tp_new: remembers the place. dealloc: gives everything back.
void begin_origin(Origin& origin);
void end_origin(Origin& origin);

// __init__'s `name`: sets it, or returns false with a TypeError.
bool set_name(PyObject* lock, Origin& origin, PyObject* name);
PyObject* get_name(PyObject* lock, Origin& origin);  // the name or None

// A name that the core keeps of a thread, perhaps cut in the middle of a character; None if empty.
PyObject* describe_name(const char* utf8);

// What makes two locks of one class: the name, else the place.
std::string class_key(PyObject* lock, Origin& origin);

// (type name, name or None, place or None)
PyObject* describe_origin(PyObject* lock, Origin& origin);

void find_threading_module();  // at import

}  // namespace nativeconc::seam
