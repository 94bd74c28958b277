// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Arguments of shared memory: sizes and names. Needs the GIL.
#pragma once

#include <string>

#include "nativeconc/shared/segment.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// An int that is 0 or more; `name` is the argument's, for the message. False with a Python error.
bool parse_size(PyObject* object, std::uint64_t* size, const char* name = "size");

// A str, or None for the empty string. False with a Python error.
bool parse_name(PyObject* object, std::string* name);

// A new str, or None where there is no name.
PyObject* name_of(const shared::Segment& segment);

}  // namespace nativeconc::seam
