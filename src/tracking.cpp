// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "tracking.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "deadlock_settings.hpp"
#include "lock_header.hpp"
#include "lock_order.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/os/short_mutex.hpp"
#include "thread_name.hpp"

namespace nativeconc::seam {

std::atomic<bool> detail::tracking{false};

namespace {

using deadlock::Mode;
using deadlock::ThreadId;

struct Held {
  PyObject* lock = nullptr;  // a reference: what is on a record cannot go away
  OrderNodes nodes;
  std::uint64_t chain = 0;  // stands for this lock and all that were taken before it
  Mode mode = Mode::lock;
  Place place;
};

struct Record {
  os::ShortMutex mutex;
  ThreadId thread = deadlock::kNobody;
  std::uint32_t period = 0;  // which enable() it belongs to
  bool has_ended = false;
  std::vector<Held> held;
  std::array<std::uint64_t, 128> known_chains{};  // of the lock-order graph, by their last bits
};

// All records. Never destroyed: threads may outlive the destructors of static objects.
struct Records {
  os::ShortMutex mutex;
  std::vector<Record*> all;
};
Records& records() {
  static auto* const instance = new Records;
  return *instance;
}

std::atomic<std::uint32_t> period{1};

// The thread ends, without the GIL: who comes next throws the record away.
struct OwnRecord {
  Record* record = nullptr;
  ~OwnRecord() {
    if (record == nullptr) return;
    const os::ShortLock guard(record->mutex);
    record->has_ended = true;
  }
};
thread_local OwnRecord own;
thread_local int not_tracked = 0;

void give_back(std::vector<Held>& held) {
  for (const Held& entry : held) {
    Py_DECREF(entry.lock);
    Py_XDECREF(entry.place.code);
  }
  held.clear();
}

void throw_away_ended_records() {
  std::vector<Record*> ended;
  {
    const os::ShortLock guard(records().mutex);
    const auto first = std::partition(records().all.begin(), records().all.end(), [](Record* r) {
      const os::ShortLock inner(r->mutex);
      return !r->has_ended;
    });
    ended.assign(first, records().all.end());
    records().all.erase(first, records().all.end());
  }
  for (Record* record : ended) {
    give_back(record->held);
    delete record;
  }
}

// This thread's record, or null if there is no memory.
Record* own_record() {
  if (own.record == nullptr) {
    throw_away_ended_records();
    auto record = std::make_unique<Record>();
    record->thread = this_thread();
    const os::ShortLock guard(records().mutex);
    records().all.push_back(record.get());
    own.record = record.release();
  }
  name_this_thread();
  Record& record = *own.record;
  const std::uint32_t now = period.load(std::memory_order_relaxed);
  if (record.period != now) {
    std::vector<Held> old;
    {
      const os::ShortLock guard(record.mutex);
      old.swap(record.held);
      record.known_chains.fill(0);
      record.period = now;
    }
    give_back(old);
  }
  return &record;
}

std::uint64_t mix(std::uint64_t chain, std::uint64_t node) {
  std::uint64_t x = (chain ^ node) * 0x9e37'79b9'7f4a'7c15;
  x ^= x >> 32;
  return x * 0xbf58'476d'1ce4'e5b9;
}

// Classes stand for locks, except where two of one class are held together.
std::uint64_t chain_after(const std::vector<Held>& held, std::size_t n, OrderNodes next) {
  std::uint64_t chain = mix(n == 0 ? 0 : held[n - 1].chain, next.class_node);
  for (std::size_t i = 0; i < n; ++i) {
    if (held[i].nodes.class_node == next.class_node) {
      chain = mix(mix(chain, held[i].nodes.own_node), next.own_node);
    }
  }
  return chain;
}

// Takes the last entry of this lock off a record. The caller holds the record's mutex.
bool take_off(Record& record, PyObject* lock, std::vector<Held>& trash) {
  const auto found = std::find_if(record.held.rbegin(), record.held.rend(),
                                  [lock](const Held& entry) { return entry.lock == lock; });
  if (found == record.held.rend()) return false;
  trash.push_back(*found);
  auto next = record.held.erase(std::next(found).base());
  for (; next != record.held.end(); ++next) {
    const auto i = static_cast<std::size_t>(next - record.held.begin());
    next->chain = chain_after(record.held, i, next->nodes);
  }
  return true;
}

Origin& origin_of(PyObject* lock) { return lock_header(lock)->origin; }

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
    Record& record = *own_record();
    OrderNodes wanted;
    std::uint64_t chain = 0;
    std::vector<OrderNodes> held;
    {
      if (record.held.empty()) return true;  // only its own thread adds to it
      wanted = order_nodes(lock, origin_of(lock));
      const os::ShortLock guard(record.mutex);
      chain = chain_after(record.held, record.held.size(), wanted);
      if (record.known_chains[chain % record.known_chains.size()] == chain) return true;
      for (const Held& entry : record.held) {
        if (entry.lock == lock) return true;  // a plain lock that serves as a signal
        held.push_back(entry.nodes);
      }
    }
    if (wanted.own_node == 0) return true;
    if (!check_chain(held, wanted, chain)) return false;
    const os::ShortLock guard(record.mutex);
    record.known_chains[chain % record.known_chains.size()] = chain;
    return true;
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  }
}

void note_taken(PyObject* lock, Mode mode) {
  if (not_tracked > 0) return;
  Held entry;
  entry.lock = lock;
  entry.mode = mode;
  try {
    Record& record = *own_record();
    if (deadlock_settings().order.load(std::memory_order_relaxed)) {
      entry.nodes = order_nodes(lock, origin_of(lock));
    }
    if (deadlock_settings().stacks.load(std::memory_order_relaxed)) entry.place = current_place();
    const os::ShortLock guard(record.mutex);
    entry.chain = chain_after(record.held, record.held.size(), entry.nodes);
    record.held.push_back(entry);
    Py_INCREF(lock);
    origin_of(lock).records.fetch_add(1, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    Py_XDECREF(entry.place.code);  // the lock is taken all the same
  }
}

void note_released(PyObject* lock, ThreadId owner) {
  std::atomic<std::uint32_t>& count = origin_of(lock).records;
  if (count.load(std::memory_order_relaxed) == 0) return;
  std::vector<Held> trash;
  if (own.record != nullptr && own.record->thread == owner) {
    const os::ShortLock guard(own.record->mutex);
    take_off(*own.record, lock, trash);
  } else {
    const os::ShortLock guard(records().mutex);
    for (Record* record : records().all) {
      if (record->thread != owner) continue;
      const os::ShortLock inner(record->mutex);
      take_off(*record, lock, trash);
    }
  }
  count.fetch_sub(static_cast<std::uint32_t>(trash.size()), std::memory_order_relaxed);
  give_back(trash);
}

void set_tracking(bool on) {
  detail::tracking.store(on, std::memory_order_relaxed);
  period.fetch_add(1, std::memory_order_relaxed);
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
  const std::uint32_t now = period.load(std::memory_order_relaxed);
  try {
    const os::ShortLock guard(records().mutex);
    for (Record* record : records().all) {
      const os::ShortLock inner(record->mutex);
      if (record->period != now) continue;
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
    registry.for_each([&](deadlock::ThreadRecord& waiter) {
      if (!waiter.waits || waiter.want.owner == nullptr) return;
      auto* lock = static_cast<PyObject*>(waiter.want.lock);
      const ThreadId owner = waiter.want.owner(waiter.want.owned);
      const bool known = std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
        return line.lock == lock && line.thread == owner;
      });
      if (owner == deadlock::kNobody || known) return;
      lines.push_back({owner, Py_NewRef(lock), waiter.want.owned_as, {}});
    });
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  PyObject* list = PyErr_Occurred() != nullptr ? nullptr : PyList_New(0);
  for (const Line& line : lines) {
    const deadlock::ThreadInfo thread = deadlock::thread_info(line.thread);
    PyObject* took = describe_place(line.place.code, line.place.instruction);
    PyObject* name =
        thread.name[0] == '\0'
            ? Py_NewRef(Py_None)
            : PyUnicode_DecodeUTF8(
                  thread.name.data(),
                  static_cast<Py_ssize_t>(std::char_traits<char>::length(thread.name.data())),
                  "replace");
    PyObject* item = list == nullptr || took == nullptr || name == nullptr
                         ? nullptr
                         : Py_BuildValue("KOOsO", static_cast<unsigned long long>(thread.ident),
                                         name, line.lock, mode_name(line.mode), took);
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
