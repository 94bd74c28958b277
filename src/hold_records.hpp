// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Each thread's record of the locks that it holds, for tracking.cpp.
//
// Needs the GIL. A record is a list of its thread, guarded by a short mutex, because others look at
// it and because a plain Lock may be released by another thread. That of a thread which has ended
// stays while it holds something; of many such, the first are forgotten.
//
// Invariant: Origin::records of a lock is the number of entries that name it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "lock_header.hpp"
#include "lock_order.hpp"
#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/deadlock/want.hpp"
#include "nativeconc/os/short_mutex.hpp"
#include "python.hpp"

namespace nativeconc::seam {

struct Held {
  PyObject* lock = nullptr;  // a reference: what is on a record cannot go away
  OrderNodes nodes;
  std::uint64_t chain = 0;  // stands for this lock and all that were taken before it
  deadlock::Mode mode = deadlock::Mode::lock;
  Place place;
};

struct Record {
  os::ShortMutex mutex;
  deadlock::ThreadId thread = deadlock::kNobody;
  std::vector<Held> held;
  bool has_ended = false;  // guarded by the mutex of all records
  // Of the lock-order graph, by their last bits; for the thread itself alone.
  std::array<std::uint64_t, 128> known_chains{};
};

// All records, in the order in which their threads first took a lock. Their mutex is taken before
// that of a single one. Never destroyed: threads may outlive the destructors of static objects.
struct Records {
  os::ShortMutex mutex;
  std::vector<Record*> all;
  std::atomic<bool> too_many_left{false};
};
Records& records();

inline Origin& origin_of(PyObject* lock) { return lock_header(lock)->origin; }

// The calling thread's record. Runs no Python code. Throws bad_alloc.
Record& own_record();

// Puts an entry on a record, which then has its references. False if tracking has ended.
bool put_on(Record& record, Held entry);

// Takes the last entry of this lock off a record, or off that of a thread; it is empty if there is
// none. The caller gives it back, under no mutex.
Held take_off(Record& record, PyObject* lock);
Held take_off(deadlock::ThreadId thread, PyObject* lock);
void give_back(const Held& entry);

// Empties all records. May run any Python code.
void empty_records();

// If too many ended threads hold something, forgets what the first ones hold. May run any Python
// code.
void thin_out_records();

// What stands for a lock and the first n of those that are held. Classes stand for locks, except
// where two of one class are held together.
std::uint64_t chain_after(const std::vector<Held>& held, std::size_t n, OrderNodes next);

// Gives the locks of a record nodes of the lock-order graph as it is now: it may have been
// forgotten since they were taken. Returns whether there are any. May run any Python code.
bool renew_nodes(Record& record);

}  // namespace nativeconc::seam
