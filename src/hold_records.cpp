// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "hold_records.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>
#include <utility>

#include "thread_name.hpp"
#include "tracking.hpp"

namespace nativeconc::seam {
namespace {

// How many records of ended threads that hold something are kept.
constexpr std::size_t kMostLeft = 1024;

// The thread ends, without the GIL: who comes next throws the record away, once it is empty.
struct OwnRecord {
  Record* record = nullptr;
  ~OwnRecord() {
    if (record == nullptr) return;
    const os::ShortLock guard(records().mutex);
    std::exchange(record, nullptr)->has_ended = true;
  }
};
thread_local OwnRecord own;

// Moves all that a record holds to the trash. The caller holds the record's mutex.
void empty(Record& record, std::vector<Held>& trash) {
  trash.insert(trash.end(), record.held.begin(), record.held.end());
  for (const Held& entry : record.held) origin_of(entry.lock).records.fetch_sub(1);
  record.held.clear();
}

// Throws the records of ended threads away that hold nothing. The caller holds the mutex of all.
void sweep(Records& records) {
  std::size_t left = 0;
  std::erase_if(records.all, [&left](Record* record) {
    if (!record->has_ended) return false;
    if (!record->held.empty()) {
      ++left;
      return false;
    }
    delete record;
    return true;
  });
  records.too_many_left.store(left > kMostLeft, std::memory_order_relaxed);
}

std::uint64_t mix(std::uint64_t chain, std::uint64_t node) {
  std::uint64_t x = (chain ^ node) * 0x9e37'79b9'7f4a'7c15;
  x ^= x >> 32;
  return x * 0xbf58'476d'1ce4'e5b9;
}

void renew_chains(Record& record, std::size_t from) {
  for (std::size_t i = from; i < record.held.size(); ++i) {
    record.held[i].chain = chain_after(record.held, i, record.held[i].nodes);
  }
}

bool is_out_of_date(const Held& entry) {
  return entry.nodes.own_node == 0 || entry.nodes != known_nodes(origin_of(entry.lock));
}

}  // namespace

Records& records() {
  static auto* const instance = new Records;
  return *instance;
}

Record& own_record() {
  name_this_thread();
  if (own.record == nullptr) {
    auto record = std::make_unique<Record>();
    record->thread = this_thread();
    const os::ShortLock guard(records().mutex);
    sweep(records());
    records().all.push_back(record.get());
    own.record = record.release();
  }
  return *own.record;
}

bool put_on(Record& record, Held entry) {
  const os::ShortLock guard(record.mutex);
  if (!is_tracking()) return false;
  entry.chain = chain_after(record.held, record.held.size(), entry.nodes);
  record.held.push_back(entry);
  Py_INCREF(entry.lock);
  origin_of(entry.lock).records.fetch_add(1);
  return true;
}

Held take_off(Record& record, PyObject* lock) {
  const os::ShortLock guard(record.mutex);
  const auto found = std::find_if(record.held.rbegin(), record.held.rend(),
                                  [lock](const Held& entry) { return entry.lock == lock; });
  if (found == record.held.rend()) return {};
  const Held entry = *found;
  const auto next = record.held.erase(std::next(found).base());
  renew_chains(record, static_cast<std::size_t>(next - record.held.begin()));
  origin_of(lock).records.fetch_sub(1);
  return entry;
}

Held take_off(deadlock::ThreadId thread, PyObject* lock) {
  if (own.record != nullptr && own.record->thread == thread) return take_off(*own.record, lock);
  const os::ShortLock guard(records().mutex);
  for (Record* record : records().all) {
    if (record->thread == thread) return take_off(*record, lock);
  }
  return {};
}

void give_back(const Held& entry) {
  Py_XDECREF(entry.lock);
  Py_XDECREF(entry.place.code);
}

void empty_records() {
  std::vector<Held> trash;
  {
    const os::ShortLock guard(records().mutex);
    for (Record* record : records().all) {
      const os::ShortLock inner(record->mutex);
      empty(*record, trash);
    }
    sweep(records());
  }
  for (const Held& entry : trash) give_back(entry);
}

void thin_out_records() {
  if (!records().too_many_left.load(std::memory_order_relaxed)) return;
  std::vector<Held> trash;
  try {
    const os::ShortLock guard(records().mutex);
    std::size_t n = kMostLeft / 2;
    for (Record* record : records().all) {
      if (!record->has_ended || record->held.empty()) continue;
      if (n-- == 0) break;
      empty(*record, trash);
    }
    sweep(records());
  } catch (const std::bad_alloc&) {  // the next release tries again
  }
  for (const Held& entry : trash) give_back(entry);
}

std::uint64_t chain_after(const std::vector<Held>& held, std::size_t n, OrderNodes next) {
  std::uint64_t chain = mix(n == 0 ? 0 : held[n - 1].chain, next.class_node);
  for (std::size_t i = 0; i < n; ++i) {
    if (held[i].nodes.class_node == next.class_node) {
      chain = mix(mix(chain, held[i].nodes.own_node), next.own_node);
    }
  }
  return chain;
}

bool renew_nodes(Record& record) {
  std::vector<PyObject*> locks;
  {
    const os::ShortLock guard(record.mutex);
    if (record.held.empty()) return false;
    if (std::none_of(record.held.begin(), record.held.end(), is_out_of_date)) return true;
    locks.reserve(record.held.size());
    for (const Held& entry : record.held) locks.push_back(Py_NewRef(entry.lock));
  }
  for (PyObject* lock : locks) order_nodes(lock, origin_of(lock));
  {
    const os::ShortLock guard(record.mutex);
    for (Held& entry : record.held) entry.nodes = known_nodes(origin_of(entry.lock));
    renew_chains(record, 0);
  }
  for (PyObject* lock : locks) Py_DECREF(lock);
  return true;
}

}  // namespace nativeconc::seam
