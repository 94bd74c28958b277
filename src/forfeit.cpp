// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "forfeit.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "condition_object.hpp"
#include "lock_header.hpp"
#include "nativeconc/os/short_mutex.hpp"
#include "thread_name.hpp"

namespace nativeconc::seam {

std::atomic<int> detail::forfeits{0};

namespace {

struct Forfeit {
  PyObject* lock;
  deadlock::ThreadId thread;
  std::uint32_t depth;
};

os::ShortMutex mutex;
std::vector<Forfeit>& list() {  // guarded by the mutex; never destroyed
  static auto* const forfeits = new std::vector<Forfeit>;
  return *forfeits;
}

auto find(const PyObject* lock, deadlock::ThreadId thread) {
  return std::find_if(list().begin(), list().end(), [&](const Forfeit& forfeit) {
    return forfeit.lock == lock && forfeit.thread == thread;
  });
}

template <class Predicate>
void erase_if(Predicate predicate) {
  std::erase_if(list(), predicate);
  detail::forfeits.store(static_cast<int>(list().size()), std::memory_order_relaxed);
}

}  // namespace

void add_forfeit(PyObject* lock, std::uint32_t depth) {
  const deadlock::ThreadId me = this_thread();
  const os::ShortLock guard(mutex);
  const auto known = find(lock, me);
  if (known != list().end()) {
    known->depth += depth;
    return;
  }
  try {
    list().push_back({lock, me, depth});
  } catch (const std::bad_alloc&) {
    return;  // then the `with` complains that the lock is not held: chained to the cause
  }
  detail::forfeits.store(static_cast<int>(list().size()), std::memory_order_relaxed);
}

bool detail::find_forfeit(PyObject* object) {
  const PyObject* lock = innermost_lock(object);
  const deadlock::ThreadId me = this_thread();
  const os::ShortLock guard(mutex);
  const auto found = find(lock, me);
  if (found == list().end() || owner_of(found->lock) == me) return false;
  if (--found->depth == 0) {
    list().erase(found);
    forfeits.store(static_cast<int>(list().size()), std::memory_order_relaxed);
  }
  return true;
}

void drop_forfeits(PyObject* lock) {
  if (detail::forfeits.load(std::memory_order_relaxed) == 0) return;
  const os::ShortLock guard(mutex);
  erase_if([lock](const Forfeit& forfeit) { return forfeit.lock == lock; });
}

}  // namespace nativeconc::seam
