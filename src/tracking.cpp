// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "tracking.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "deadlock_settings.hpp"
#include "hold_records.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"

namespace nativeconc::seam {

std::atomic<bool> detail::tracking{false};

namespace {

using deadlock::Mode;
using deadlock::ThreadId;

thread_local int not_tracked = 0;

// Up to CPython 3.11 any allocation may run the garbage collector, and so any Python code. While
// one of these lives, none does.
#if PY_VERSION_HEX < 0x030C0000
class NoCollection {
 public:
  NoCollection() : was_on_(PyGC_Disable() != 0) {}
  ~NoCollection() {
    if (was_on_) PyGC_Enable();
  }
  NoCollection(const NoCollection&) = delete;
  NoCollection& operator=(const NoCollection&) = delete;

 private:
  const bool was_on_;
};
#else
struct [[maybe_unused]] NoCollection {};
#endif

const char* spoken(deadlock::Fate fate) {
  switch (fate) {
    case deadlock::Fate::exited:
      return "exited";
    case deadlock::Fate::lost:
      return "lost";
    default:
      return "alive";
  }
}

}  // namespace

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::read:
      return "read";
    case Mode::write:
      return "write";
    default:
      return "lock";
  }
}

NotTracked::NotTracked() { ++not_tracked; }
NotTracked::~NotTracked() { --not_tracked; }

bool check_order(PyObject* lock) {
  if (not_tracked > 0 || !deadlock_settings().order.load(std::memory_order_relaxed)) return true;
  try {
    Record& record = own_record();
    if (!renew_nodes(record)) return true;
    const OrderNodes wanted = order_nodes(lock, origin_of(lock));
    if (wanted.own_node == 0) return true;
    std::uint64_t chain = 0;
    std::vector<OrderNodes> held;
    {
      const os::ShortLock guard(record.mutex);
      chain = chain_after(record.held, record.held.size(), wanted);
      if (record.known_chains[chain % record.known_chains.size()] == chain) return true;
      for (const Held& entry : record.held) {
        if (entry.lock == lock) return true;  // a plain lock that serves as a signal
        held.push_back(entry.nodes);
      }
    }
    const Checked checked = check_chain(held, wanted, chain);
    if (checked == Checked::yes) record.known_chains[chain % record.known_chains.size()] = chain;
    return checked != Checked::error;
  } catch (const std::bad_alloc&) {
    return true;  // the lock can be taken all the same
  }
}

void note_taken(PyObject* lock, Mode mode) {
  if (not_tracked > 0) return;
  const NoCollection no_collection;
  Held entry;
  entry.lock = lock;
  entry.mode = mode;
  try {
    Record& record = own_record();
    if (deadlock_settings().order.load(std::memory_order_relaxed)) {
      entry.nodes = order_nodes(lock, origin_of(lock));
    }
    if (deadlock_settings().stacks.load(std::memory_order_relaxed)) entry.place = current_place();
    if (!put_on(record, entry)) {
      Py_XDECREF(entry.place.code);
      return;
    }
    // A plain lock may be released by another thread, and may have been before it was put on the
    // record. The fence pairs with that in note_released(): either that thread has seen the entry,
    // or this one sees what it did.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (mode != Mode::lock || owner_of(lock) == record.thread) return;
    give_back(take_off(record, lock));
  } catch (const std::bad_alloc&) {
    Py_XDECREF(entry.place.code);  // the lock is taken all the same
  }
}

void note_released(PyObject* lock, ThreadId owner) {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with that in note_taken()
  if (origin_of(lock).records.load(std::memory_order_relaxed) == 0) return;
  give_back(take_off(owner, lock));
  thin_out_records();
}

void set_tracking(bool on) {
  // A thread that has not seen this yet puts an entry on its record either before that is emptied,
  // or after, and then sees it: see put_on().
  detail::tracking.store(on, std::memory_order_relaxed);
  empty_records();
  forget_order();
}

PyObject* where_taken(PyObject* lock, ThreadId thread) {
  Place place;
  {
    const os::ShortLock guard(records().mutex);
    for (Record* record : records().all) {
      if (record->thread != thread) continue;
      const os::ShortLock inner(record->mutex);
      for (const Held& entry : record->held) {
        if (entry.lock == lock && place.code == nullptr) place = entry.place;
      }
      Py_XINCREF(place.code);
    }
  }
  PyObject* described = describe_place(place.code, place.instruction);
  Py_XDECREF(place.code);
  return described;
}

PyObject* list_held() {
  struct Line {
    ThreadId thread;
    PyObject* lock;
    Mode mode;
    Place place;
  };
  std::vector<Line> lines;
  try {
    const os::ShortLock guard(records().mutex);
    for (Record* record : records().all) {
      const os::ShortLock inner(record->mutex);
      for (const Held& entry : record->held) {
        lines.push_back({record->thread, Py_NewRef(entry.lock), entry.mode, entry.place});
        Py_XINCREF(entry.place.code);
      }
    }
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  // What is not on a record, because it was taken untracked, but is waited for.
  deadlock::ThreadRegistry& registry = deadlock::ThreadRegistry::instance();
  try {
    const os::ShortLock guard(registry.mutex());
    const auto add = [&lines](PyObject* lock, ThreadId owner, Mode mode) {
      const bool known = std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
        return line.lock == lock && line.thread == owner;
      });
      if (owner == deadlock::kNobody || known) return;
      lines.push_back({owner, Py_NewRef(lock), mode, {}});
    };
    registry.for_each([&](const deadlock::ThreadRecord& waiter) {
      const deadlock::Want& want = waiter.want;
      if (!waiter.waits || want.owner == nullptr) return;
      auto* lock = static_cast<PyObject*>(want.lock);
      const bool is_inside = want.is_inside == nullptr || want.is_inside(want.owned);
      if (is_inside) add(lock, want.owner(want.owned), want.owned_as);
      if (want.readers_of == 0) return;
      registry.for_each([&](const deadlock::ThreadRecord& reader) {
        if (reader.reads.holds(want.readers_of)) add(lock, reader.id, Mode::read);
      });
    });
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  PyObject* list = PyErr_Occurred() != nullptr ? nullptr : PyList_New(0);
  for (const Line& line : lines) {
    const deadlock::ThreadInfo thread = deadlock::thread_info(line.thread);
    PyObject* took = describe_place(line.place.code, line.place.instruction);
    PyObject* name = describe_name(thread.name.data());
    PyObject* item =
        list == nullptr || took == nullptr || name == nullptr
            ? nullptr
            : Py_BuildValue("KOOsOs", static_cast<unsigned long long>(thread.ident), name,
                            line.lock, mode_name(line.mode), took, spoken(thread.fate));
    if (list != nullptr && (item == nullptr || PyList_Append(list, item) != 0)) Py_CLEAR(list);
    Py_XDECREF(item);
    Py_XDECREF(name);
    Py_XDECREF(took);
    Py_DECREF(line.lock);
    Py_XDECREF(line.place.code);
  }
  return list;
}

}  // namespace nativeconc::seam
