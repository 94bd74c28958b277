// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Locks that a thread has lost inside a `with`: Condition.wait released one and could not get it
// back, because that would have been a deadlock. The `with` around it must then give nothing back,
// so that the exception which says so is what the user sees. Needs the GIL.
#pragma once

#include <atomic>
#include <cstdint>

#include "python.hpp"

namespace nativeconc::seam {

namespace detail {
extern std::atomic<int> forfeits;
bool find_forfeit(PyObject* object);
}  // namespace detail

// This thread has lost the lock, which it had taken `depth` times.
void add_forfeit(PyObject* lock, std::uint32_t depth);

// Every __exit__ asks: has this thread lost the lock, or the lock under the condition? Each answer
// of true ends one level of it. While a thread holds the lock again, inside the `with` that has
// lost it, it has something to give back.
inline bool is_forfeited(PyObject* object) {
  return detail::forfeits.load(std::memory_order_relaxed) > 0 && detail::find_forfeit(object);
}

// The lock is going away.
void drop_forfeits(PyObject* lock);

}  // namespace nativeconc::seam
