// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What lock.recover() returns: a context manager that takes a shared lock in any state, tells who
// died and left it in doubt, and makes it whole by leaving its body without an exception.
//
// Needs the GIL; entering may wait, without it.
#pragma once

#include "nativeconc/shared/lock.hpp"
#include "python.hpp"
#include "wait.hpp"

namespace nativeconc::seam {

// Must live as long as the module.
struct RecoveryOperations {
  Waited (*take)(PyObject* lock, Deadline deadline, bool* was_in_doubt);
  shared::DeadOwner (*death)(PyObject* lock);
  bool (*release)(PyObject* lock);           // whole; false: a Python error is set
  void (*release_in_doubt)(PyObject* lock);  // as it was found
};

// recover(timeout=None): a METH_FASTCALL | METH_KEYWORDS method's work.
PyObject* make_recovery(PyObject* lock, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                        const RecoveryOperations& operations);

inline constexpr char kRecoverDoc[] =
    "recover($self, /, timeout=None)\n--\n\n"
    "Return a context manager that takes the lock in any state, to repair what it protects.\n\n"
    "    with lock.recover() as dead:\n"
    "        if dead is not None:  # a DeadOwner: pid, thread, found\n"
    "            ...               # make whole what it may have left half done\n\n"
    "Leaving the body without an exception makes the lock good again for everybody; with one it\n"
    "stays in doubt, if it was. dead is None if all was well.\n\n"
    "Args:\n"
    "    timeout: seconds to wait at most for a living owner; None waits for ever.\n\n"
    "Raises, on entering:\n"
    "    LockTimeout: a living thread did not release it in time.\n"
    "    DeadlockError: this thread has it already.";

}  // namespace nativeconc::seam
