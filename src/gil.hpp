// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Letting go of the GIL and asking for it back, around everything that may block.
//
// Use both in straight-line code: see python.hpp. Whoever asks for the GIL must hold none of our
// internal mutexes, because others take those with the GIL held; builds with assertions check it.
#pragma once

#include <cassert>

#include "nativeconc/os/short_mutex.hpp"
#include "python.hpp"

namespace nativeconc::seam {

inline PyThreadState* release_gil() { return PyEval_SaveThread(); }

inline void take_gil(PyThreadState* state) {
  assert(os::internal_mutexes_held() == 0 && "the GIL wanted while an internal mutex is held");
  PyEval_RestoreThread(state);
}

// Whether the interpreter is ending: whoever lets the GIL go then may not get it back.
inline bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

}  // namespace nativeconc::seam
