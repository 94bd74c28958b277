// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The calling thread's number, and the name that reports give it once it is gone.
// Needs the GIL.
#pragma once

#include "nativeconc/deadlock/thread_id.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// Tells the core what threading calls this thread, if it knows it by now. Runs no Python code.
void name_this_thread();

// Registers and names the thread when it comes here first.
inline deadlock::ThreadId this_thread() {
  const deadlock::ThreadId id = deadlock::detail::this_thread;
  if (id != deadlock::kNobody) [[likely]]
    return id;
  name_this_thread();
  return deadlock::this_thread();
}

}  // namespace nativeconc::seam
