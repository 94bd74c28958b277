// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A record of every thread that has used a lock: its name, the locks it holds for reading, and what
// it waits for.
//
// Any thread. A record is made when its thread first needs a number, and kept for a while after the
// thread has ended, so that a report can name it; for ever, if it ended while it read something.
// Everything but a thread's own ReadHolds is guarded by the one registry mutex, which is taken when
// a thread begins, ends, or waits long, never to take or release a lock. A fork takes it too, so
// that the child finds the records whole: it keeps that of the forking thread and marks all others
// lost.
//
// Invariant: every running thread that has a number has a record; a number without one belongs to a
// thread that ended long ago.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "nativeconc/deadlock/read_holds.hpp"
#include "nativeconc/deadlock/thread_id.hpp"
#include "nativeconc/deadlock/want.hpp"
#include "nativeconc/os/short_mutex.hpp"

namespace nativeconc::deadlock {

enum class Fate {
  alive,
  exited,
  lost,  // was a thread of the process that this one was forked from
};

struct ThreadRecord {
  ThreadId id = kNobody;
  std::uint64_t ident = 0;  // pthread_self, which is Python's threading.get_ident()
  Fate fate = Fate::alive;
  std::array<char, 64> name{};  // UTF-8, as many characters as fit; empty if unknown

  // What the thread is among those of all processes; 0: it is not known there. Set by whoever keeps
  // such numbers, without the mutex; not kept over a fork.
  std::atomic<std::uint32_t> shared_number{0};

  ReadHolds reads;

  bool waits = false;
  Want want;               // valid while `waits`
  std::uint64_t call = 0;  // the number of this wait

  // Scratch space of the search in wait_graph.cpp.
  std::uint64_t seen = 0;
  ThreadRecord* came_from = nullptr;
  ThreadRecord* next_to_visit = nullptr;
};

class ThreadRegistry {
 public:
  static ThreadRegistry& instance();

  os::ShortMutex& mutex() { return mutex_; }

  // The rest needs the mutex.
  ThreadRecord* find(ThreadId id);
  template <class Function>
  void for_each(Function function) {
    for (auto& entry : records_) function(*entry.second);
  }

 private:
  friend ThreadId detail::register_this_thread();
  friend struct AtThreadExit;

  // Records of ended threads that are kept for their names.
  static constexpr std::size_t kMaxExited = 1024;

  ThreadRegistry();
  void add(std::unique_ptr<ThreadRecord> record);
  void retire(ThreadRecord& record);
  void rouse_waiters_for(const ThreadRecord& record);
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  os::ShortMutex mutex_;
  std::unordered_map<ThreadId, std::unique_ptr<ThreadRecord>> records_;
  std::deque<ThreadId> exited_;
  ThreadId last_id_ = 0;
};

// The calling thread's own record.
ThreadRecord& this_record();

// What is known of a thread now, or a fate of `exited` if nothing is.
struct ThreadInfo {
  std::uint64_t ident = 0;
  Fate fate = Fate::exited;
  std::array<char, 64> name{};
};
ThreadInfo thread_info(ThreadId id);

bool this_thread_is_named();
void name_this_thread(std::string_view name);

}  // namespace nativeconc::deadlock
