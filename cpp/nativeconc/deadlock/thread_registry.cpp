// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/thread_registry.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace nativeconc::deadlock {

constinit thread_local ThreadId detail::this_thread = kNobody;

namespace {

thread_local ThreadRecord* own_record = nullptr;

}  // namespace

// Its destructor runs when the thread ends.
struct AtThreadExit {
  bool registered = false;
  ~AtThreadExit() {
    if (own_record == nullptr) return;
    ThreadRegistry& registry = ThreadRegistry::instance();
    const os::ShortLock guard(registry.mutex());
    registry.retire(*std::exchange(own_record, nullptr));
    detail::this_thread = kNobody;  // a lock used in a later destructor registers the thread anew
  }
};

namespace {
thread_local AtThreadExit at_thread_exit;
}  // namespace

// Never destroyed: threads may outlive the destructors of static objects.
ThreadRegistry& ThreadRegistry::instance() {
  static auto* const registry = new ThreadRegistry;
  return *registry;
}

namespace {
// Made when the library is loaded: a child that is forked while another thread makes it would wait
// for it for ever.
[[maybe_unused]] const ThreadRegistry& made_early = ThreadRegistry::instance();
}  // namespace

ThreadRegistry::ThreadRegistry() {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void ThreadRegistry::before_fork() { instance().mutex_.lock(); }
void ThreadRegistry::after_fork_in_parent() { instance().mutex_.unlock(); }

void ThreadRegistry::after_fork_in_child() {
  ThreadRegistry& registry = instance();
  registry.for_each([](ThreadRecord& record) {
    record.waits = false;
    record.shared_number.store(0, std::memory_order_relaxed);
    if (&record == own_record || record.fate != Fate::alive) return;
    record.fate = Fate::lost;
    record.reads.settle_after_fork();
  });
  registry.mutex_.unlock();
}

ThreadId detail::register_this_thread() {
  auto record = std::make_unique<ThreadRecord>();
  record->ident = static_cast<std::uint64_t>(pthread_self());
  at_thread_exit.registered = true;  // constructs it, so that its destructor will run
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex_);
  own_record = record.get();
  registry.add(std::move(record));
  detail::this_thread = own_record->id;
  return own_record->id;
}

void ThreadRegistry::add(std::unique_ptr<ThreadRecord> record) {
  // After 2^32 threads the count begins again, and skips the numbers that are in use.
  do {
    ++last_id_;
  } while (last_id_ == kNobody || records_.contains(last_id_));
  record->id = last_id_;
  records_.emplace(last_id_, std::move(record));
}

void ThreadRegistry::retire(ThreadRecord& record) {
  record.fate = Fate::exited;
  record.waits = false;
  rouse_waiters_for(record);
  // What it still reads it reads for ever: whoever waits for that must find it, however late.
  if (record.reads.any()) return;
  exited_.push_back(record.id);
  if (exited_.size() > kMaxExited) {
    records_.erase(exited_.front());
    exited_.pop_front();
  }
}

// Those who wait for what only this thread could release will wait for ever, and must be told.
void ThreadRegistry::rouse_waiters_for(const ThreadRecord& record) {
  for_each([&](ThreadRecord& waiter) {
    const Want& want = waiter.want;
    if (!waiter.waits || want.rouse == nullptr || !want.certain) return;
    if (want.owner(want.owned) != record.id) return;
    want.roused->store(true, std::memory_order_relaxed);
    want.rouse(want.rouses);
  });
}

ThreadRecord* ThreadRegistry::find(ThreadId id) {
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : found->second.get();
}

ThreadRecord& this_record() {
  if (own_record == nullptr) detail::register_this_thread();
  return *own_record;
}

ThreadInfo thread_info(ThreadId id) {
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex());
  const ThreadRecord* record = registry.find(id);
  return record == nullptr ? ThreadInfo{} : ThreadInfo{record->ident, record->fate, record->name};
}

bool this_thread_is_named() { return this_record().name.front() != '\0'; }

void name_this_thread(std::string_view name) {
  ThreadRecord& record = this_record();
  const os::ShortLock guard(ThreadRegistry::instance().mutex());
  const auto continues = [](char byte) { return (byte & 0xc0) == 0x80; };  // a character of UTF-8
  std::size_t length = std::min(name.size(), record.name.size() - 1);
  while (length > 0 && length < name.size() && continues(name[length])) --length;
  std::copy_n(name.begin(), length, record.name.begin());
  record.name[length] = '\0';
}

}  // namespace nativeconc::deadlock
