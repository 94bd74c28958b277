// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// An argument that is a number of something: permits, parties. Needs the GIL.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// An int from `least` to `most`; `name` is the argument's, for the message. False with a Python
// error.
bool parse_count(PyObject* object, const char* name, long least, long most, std::uint32_t* count);

}  // namespace nativeconc::seam
