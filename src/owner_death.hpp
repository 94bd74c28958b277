// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What becomes of a shared lock whose owner died: on_owner_death= of its users, OwnerDiedError, and
// the one call of a repair function.
//
// Needs the GIL.
#pragma once

#include "nativeconc/shared/lock.hpp"
#include "python.hpp"
#include "wait.hpp"

namespace nativeconc::seam {

// on_owner_death="raise" | "continue" | a callable.
class OwnerDeathPolicy {
 public:
  // False, and nothing changes, with a Python error. `argument` null: "raise".
  bool parse(PyObject* argument);

  // What two users of one lock must agree in: "raise", "continue" or "callable".
  const char* spoken() const;
  // As it was given.
  PyObject* argument() const;
  // What this user wants who finds the owner dead.
  shared::Lock::IfDead if_dead() const {
    return raises() ? shared::Lock::IfDead::leave_in_doubt : shared::Lock::IfDead::take_over;
  }
  bool raises() const { return argument_ == nullptr; }
  PyObject* function() const { return argument_ == Py_None ? nullptr : argument_; }

  int traverse(visitproc visit, void* arg) const;
  void clear();

 private:
  PyObject* argument_ = nullptr;  // null: raise; None: continue; else the function
};

// nativeconc.shared.DeadOwner(pid, thread, found). A new reference, or null with an error.
PyObject* make_dead_owner(const shared::DeadOwner& dead);

// Sets an OwnerDiedError about the lock.
void raise_owner_died(PyObject* lock, const shared::DeadOwner& dead);

// How a lock's entry ended, as the caller of acquire() sees it. A lock that was taken in doubt is
// repaired by the policy's function, if it has one; when that raises, `back` puts the lock in doubt
// again.
Waited settle_entry(PyObject* lock, shared::Lock::Entry entry, const shared::DeadOwner& dead,
                    const OwnerDeathPolicy& policy, void (*back)(PyObject* lock));

}  // namespace nativeconc::seam
