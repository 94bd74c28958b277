// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Memory that came with a message of a queue, as a Python object with the buffer protocol: arrays
// of the message lie in it, and it goes with the last of them. Needs the GIL.
#pragma once

#include "nativeconc/shared/queue_ends.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// New objects that take over what they are given. Null with a Python error.
PyObject* new_message_memory(shared::MessageMapping mapping);
PyObject* new_message_memory(std::unique_ptr<std::byte[]> bytes, std::uint64_t size);

void bind_message_memory(py::module_& m);

}  // namespace nativeconc::seam
