// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// __enter__ and __exit__, bound at less cost.
//
// A `with` statement asks the type for both methods and binds them to the object, each time anew.
// Before 3.14 that makes and frees two objects of CPython's, which together cost more than taking
// and releasing a lock. Here binding takes an object from a short list of used ones. On the type
// both are the method descriptors that they were; bound, they are called and described as before,
// but are of a type of their own.
//
// Needs the GIL. On free-threaded builds, which have none to guard the list, and on 3.14, whose
// `with` binds nothing, everything stays as CPython has it.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// Puts the quick descriptors in place of a new type's own __enter__ and __exit__, if it has any.
// False: a Python error is set.
bool bind_entries_quickly(PyTypeObject* type);

}  // namespace nativeconc::seam
