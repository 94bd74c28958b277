// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "shared_lock_object.hpp"

#include <memory>

#include "errors.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "thread_name.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

using shared::Lock;
using Entry = Lock::Entry;
using IfDead = Lock::IfDead;

struct SharedLockWait {
  PyObject* self;
  Lock& lock;
  shared::ThreadNumber me;
  IfDead if_dead;
  Lock::Waiter waiter;
  Entry entry = Entry::timed_out;
};

WaitResult sleep(void* wait, Deadline deadline) {
  auto* self = static_cast<SharedLockWait*>(wait);
  self->entry = self->lock.acquire(self->me, deadline, self->waiter, self->if_dead);
  switch (self->entry) {
    case Entry::timed_out:
      return WaitResult::timed_out;
    case Entry::interrupted:
      return WaitResult::interrupted;
    default:
      return WaitResult::acquired;
  }
}

shared::SharedWant shared_want(void* wait) {
  const auto* self = static_cast<const SharedLockWait*>(wait);
  shared::SharedWant want;
  want.primitive = self->self;
  want.uid = shared_object(self->self)->primitive->uid;
  want.is_owned = true;
  want.blockers.add(self->lock.owner());
  return want;
}

bool renew(void* wait) {
  auto* self = static_cast<SharedLockWait*>(wait);
  std::destroy_at(&self->waiter);
  std::construct_at(&self->waiter);
  return get_thread_number(&self->me);
}

void back_to_doubt(PyObject* self) {
  shared_rlock(self).set_depth(0);
  static_cast<void>(shared_lock(self).release_in_doubt(shared::detail::this_thread_number));
  os::wake_deferred();
}

// Only it could release what it waits for.
Waited refuse_own(PyObject* self) {
  PyErr_Format(errors().deadlock_error,
               "%R is held by this thread, which would wait for itself: only the thread that took "
               "a shared lock can release it",
               self);
  return Waited::deadlock;
}

// How it was taken, if it was; then the depth is 1.
Waited wait_for_lock(PyObject* self, shared::ThreadNumber me, Deadline deadline, IfDead if_dead,
                     Entry* entry) {
  SharedLockWait wait{self, shared_lock(self), me, if_dead, {}};
  wait.entry = wait.lock.look(me, if_dead);
  Waited waited = Waited::acquired;
  if (wait.entry == Entry::timed_out) {
    if (wait.lock.is_owned_by(me) && deadline.is_never()) return refuse_own(self);
    if (kMaySpin && wait.lock.spin(me)) {
      wait.entry = Entry::acquired;
    } else {
      waited = wait_for({&wait, sleep, nullptr, &lock_header(self)->stats,
                         &shared_object(self)->primitive->totals, shared_want, renew},
                        deadline);
    }
  }
  *entry = wait.entry;
  const bool is_held = waited == Waited::acquired &&
                       (*entry == Entry::acquired || *entry == Entry::acquired_in_doubt);
  if (is_held) shared_rlock(self).set_depth(1);
  return waited;
}

// See settle_entry. What was taken in doubt is made whole by the policy: this owner's own death is
// then what the next one is told of.
Waited settle(PyObject* self, Entry entry, const shared::DeadOwner& death) {
  const Waited waited =
      settle_entry(self, entry, death, shared_lock_object(self)->policy, back_to_doubt);
  if (waited == Waited::acquired && entry == Entry::acquired_in_doubt) {
    shared_lock(self).make_whole();
  }
  return waited;
}

// Somebody has recovered it since it was seen in doubt: to be tried again.
bool is_recovered(Entry entry, const shared::DeadOwner& death) {
  return entry == Entry::in_doubt && death.found_ns == 0;
}

}  // namespace

PyTypeObject* shared_lock_type = nullptr;
PyTypeObject* shared_rlock_type = nullptr;

Waited wait_for_shared_lock(PyObject* self, shared::ThreadNumber me, Deadline deadline) {
  const IfDead if_dead = shared_lock_object(self)->policy.if_dead();
  for (;;) {
    Entry entry = Entry::timed_out;
    const Waited waited = wait_for_lock(self, me, deadline, if_dead, &entry);
    if (waited != Waited::acquired) return waited;
    const shared::DeadOwner death = shared_lock(self).death();
    if (!is_recovered(entry, death)) return settle(self, entry, death);
  }
}

Waited look_at_shared_lock(PyObject* self, shared::ThreadNumber me) {
  const IfDead if_dead = shared_lock_object(self)->policy.if_dead();
  for (;;) {
    const Entry entry = shared_lock(self).look(me, if_dead);
    if (entry == Entry::timed_out) return Waited::timed_out;
    if (entry != Entry::in_doubt) shared_rlock(self).set_depth(1);
    const shared::DeadOwner death = shared_lock(self).death();
    if (!is_recovered(entry, death)) return settle(self, entry, death);
  }
}

Waited recover_shared_lock(PyObject* self, Deadline deadline, bool* was_in_doubt) {
  shared::ThreadNumber me = shared::kNobody;
  if (!is_made(self) || !get_thread_number(&me)) return Waited::error;
  Entry entry = Entry::timed_out;
  const Waited waited = wait_for_lock(self, me, deadline, IfDead::take_over, &entry);
  *was_in_doubt = entry == Entry::acquired_in_doubt;
  if (is_tracking() && waited == Waited::acquired) note_taken(self, deadlock::Mode::lock);
  return waited;
}

shared::ThreadNumber shared_owner(PyObject* self) {
  const shared::ThreadNumber owner = shared_lock(self).owner();
  return owner == Lock::kInDoubt ? shared::kNobody : owner;
}

deadlock::ThreadId own_thread_if_owner(PyObject* self) {
  if (shared_object(self)->primitive == nullptr) return deadlock::kNobody;
  const shared::ThreadNumber me = shared::detail::this_thread_number;
  return me != shared::kNobody && shared_lock(self).is_owned_by(me) ? this_thread()
                                                                    : deadlock::kNobody;
}

int init_shared_lock(PyObject* self, PyObject* args, PyObject* kwargs, const char* format,
                     const char* type_name, shared::PrimitiveKind kind, std::size_t size) {
  static const char* keywords[] = {"name", "on_owner_death", nullptr};
  PyObject* name = Py_None;
  PyObject* on_owner_death = nullptr;
  if (PyArg_ParseTupleAndKeywords(args, kwargs, format, const_cast<char**>(keywords), &name,
                                  &on_owner_death) == 0) {
    return -1;
  }
  OwnerDeathPolicy policy;
  if (!policy.parse(on_owner_death)) return -1;
  const PrimitiveRequest request{
      kind, std::string(type_name) + " on_owner_death=" + policy.spoken(), size, nullptr, nullptr};
  if (!make_shared(self, request, name)) {
    policy.clear();
    return -1;
  }
  shared_lock_object(self)->policy = policy;
  return 0;
}

PyObject* make_lock_over(PyObject* type, PyObject* args, shared::PrimitiveKind kind,
                         std::size_t size) {
  PyObject* buffer = nullptr;
  PyObject* on_owner_death = nullptr;
  if (PyArg_ParseTuple(args, "OO:_over", &buffer, &on_owner_death) == 0) return nullptr;
  OwnerDeathPolicy policy;
  if (!policy.parse(on_owner_death)) return nullptr;
  PyObject* self = make_over(reinterpret_cast<PyTypeObject*>(type), buffer, kind, size);
  if (self == nullptr) {
    policy.clear();
    return nullptr;
  }
  shared_lock_object(self)->policy = policy;
  return self;
}

PyObject* reduce_shared_lock(PyObject* self, PyObject*) {
  return reduce_shared(self, Py_BuildValue("(N)", shared_lock_object(self)->policy.argument()));
}

int traverse_shared_lock(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return shared_lock_object(self)->policy.traverse(visit, arg);
}

int clear_shared_lock(PyObject* self) {
  shared_lock_object(self)->policy.clear();
  return 0;
}

void dealloc_shared_lock(PyObject* self) {
  PyObject_GC_UnTrack(self);
  clear_shared_lock(self);
  dealloc_shared(self);
}

namespace {

PyObject* shared_lock_policy(PyObject* self, void*) {
  return shared_lock_object(self)->policy.argument();
}

}  // namespace

PyGetSetDef shared_lock_properties[] = {
    shared_properties[0],
    shared_properties[1],
    {"on_owner_death", shared_lock_policy, nullptr, "What it was made with.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace nativeconc::seam
