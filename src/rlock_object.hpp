// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What Condition needs of nc.RLock: to let go of it altogether and to take it back. Needs the GIL.
#pragma once

#include <cstdint>

#include "python.hpp"
#include "wait.hpp"

namespace nativeconc::seam {

extern PyTypeObject* rlock_type;

bool is_own_rlock(PyObject* rlock);

// Releases all levels; returns how many there were, or 0 with an error if this thread has none.
// Wakes nobody whom the thread has notified: whoever calls it waits next, or sees to that.
std::uint32_t give_up_rlock(PyObject* rlock);

// Waits for it and takes it so many times.
Waited take_back_rlock(PyObject* rlock, std::uint32_t depth);

}  // namespace nativeconc::seam
