// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What lock.timeout(seconds), rwlock.read() and rwlock.write() return: a context manager that
// enters, within the time if there is one, else raises LockTimeout. One type for every primitive.
// Needs the GIL; entering may wait, without it.
#pragma once

#include "lock_operations.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// Implements the method timeout(seconds). `operations` must live as long as the module.
PyObject* make_timed_entry(PyObject* primitive, PyObject* seconds,
                           const LockOperations& operations);

// The same where the time may be None: no limit.
PyObject* make_entry(PyObject* primitive, PyObject* seconds, const LockOperations& operations);

// A number of seconds that is not negative, as a timeout of an entry. False with an error set.
bool parse_time_limit(PyObject* seconds, std::int64_t* timeout_ns);

// What an entry is made of; false if the object is none. References are borrowed.
struct EntryParts {
  PyObject* primitive;
  const LockOperations* operations;
  bool is_timed;
};
bool take_apart(PyObject* object, EntryParts* parts);

}  // namespace nativeconc::seam
