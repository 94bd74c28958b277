// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The arguments of semaphores: numbers of permits. Needs the GIL. Every function returns false,
// with a Python error set, when they will not do.
#pragma once

#include "python.hpp"

namespace nativeconc::seam {

// An int from `least` to sync::Permits::kMax; `name` is the argument's, for the message.
bool parse_permits(PyObject* object, const char* name, long least, std::uint32_t* count);

// release(n=1)
bool parse_release(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, std::uint32_t* n);

// What release() says when there would be too many.
bool refuse_too_many(bool is_bounded);

}  // namespace nativeconc::seam
