// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/thread_directory.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "nativeconc/deadlock/thread_registry.hpp"
#include "nativeconc/os/process_identity.hpp"
#include "nativeconc/shared/creation.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/memory.hpp"
#include "nativeconc/shared/shared_error.hpp"
#include "nativeconc/shared/thread_directory_layout.hpp"

namespace nativeconc::shared {

constinit thread_local ThreadNumber detail::this_thread_number = kNobody;

namespace {

// Of this layout, and of this pid namespace: in another one pids and tids mean others.
std::string directory_name() {
  return ".threads-2-" + std::to_string(os::this_process().pid_namespace);
}

constexpr std::uint32_t kFirstSpan = 256;

// Where the process locks a byte of the directory's file: far behind its end.
constexpr off_t kProcessBytes = off_t{1} << 40;

std::atomic<const Segment*> directory{nullptr};

// This process's own open file of the directory, which no mapping and no child shares, and what is
// locked there. Changed under the mutex and in a child just forked.
struct {
  os::ShortMutex mutex;
  std::atomic<int> file{-1};
  std::atomic<ProcessNumber> number{kNobody};
} process;

DirectoryLayout& layout() { return *known_directory(); }

// --- the segment

void init_token(pthread_mutex_t& token) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&token, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

Lease create_directory() {
  SegmentPlan plan;
  plan.kind = SegmentKind::threads;
  plan.block_size = sizeof(DirectoryLayout);
  plan.lane_count = 0;
  Creation creation(plan, {.name = directory_name()});
  while (creation.step()) {
  }
  auto* const fresh = new (creation.data()) DirectoryLayout{};
  fresh->span.store(kFirstSpan, std::memory_order_relaxed);
  for (ThreadSlot& slot : fresh->threads) init_token(slot.token);
  return Memory::instance().add(creation.finish());
}

Lease open_directory() {
  for (;;) {
    // What exists when we look may be gone when we open it, and the other way round.
    try {
      const Lease lease = Memory::instance().open(directory_name(), Access::read_write);
      if (lease.segment->header().kind == SegmentKind::threads &&
          lease.size == sizeof(DirectoryLayout)) {
        return lease;
      }
      Memory::instance().release(lease);
      throw SharedError(
          SharedFault::damaged, EINVAL,
          "the directory of threads " + path_of(directory_name()) + " is of another kind");
    } catch (const SharedError& error) {
      if (error.fault() != SharedFault::not_found) throw;
    }
    try {
      return create_directory();
    } catch (const SharedError& error) {
      if (error.fault() != SharedFault::exists) throw;
    }
  }
}

void ensure_directory() {
  if (directory.load(std::memory_order_acquire) != nullptr) return;
  const Lease lease = open_directory();
  const Segment* expected = nullptr;
  // acq_rel: whoever finds it finds it whole. The lease is kept for ever: see the header.
  if (!directory.compare_exchange_strong(expected, lease.segment, std::memory_order_acq_rel)) {
    Memory::instance().release(lease);
  }
}

// --- processes

bool set_lock(int file, int command, short type, std::uint32_t slot, struct flock* range) {
  *range = {};
  range->l_type = type;
  range->l_whence = SEEK_SET;
  range->l_start = kProcessBytes + slot;
  range->l_len = 1;
  return fcntl(file, command, range) == 0;
}

std::uint32_t next_number(std::uint32_t last, std::uint32_t slot, int slot_bits) {
  const std::uint32_t uses = (last >> slot_bits) + 1;
  const std::uint32_t number = (uses << slot_bits | slot) & kMaxNumber;
  return number >> slot_bits == 0 ? number | 1U << slot_bits : number;
}

// Under the mutex.
ProcessNumber register_process() {
  FileDescriptor file = reopen(directory.load(std::memory_order_acquire)->fd(), Access::read_write);
  DirectoryLayout& all = layout();
  for (std::uint32_t tries = 0; tries < kProcessSlots; ++tries) {
    const std::uint32_t slot =
        all.next_process.fetch_add(1, std::memory_order_relaxed) % kProcessSlots;
    struct flock range;
    if (!set_lock(file.get(), F_OFD_SETLK, F_WRLCK, slot, &range)) continue;
    ProcessSlot& mine = all.processes[slot];
    const std::uint32_t number =
        next_number(mine.number.load(std::memory_order_relaxed), slot, kProcessSlotBits);
    mine.pid.store(getpid(), std::memory_order_relaxed);
    mine.number.store(number, std::memory_order_release);
    process.file.store(file.release(), std::memory_order_relaxed);
    process.number.store(number, std::memory_order_release);
    return number;
  }
  throw SharedError(SharedFault::system, EAGAIN,
                    std::to_string(kProcessSlots) + " processes use shared semaphores already");
}

// --- threads

bool try_take(ThreadSlot& slot) {
  const int rc = pthread_mutex_trylock(&slot.token);
  if (rc == EOWNERDEAD) return pthread_mutex_consistent(&slot.token) == 0;
  return rc == 0;
}

ThreadSlot& take_slot(DirectoryLayout& all, std::uint32_t* number) {
  for (;;) {
    std::uint32_t span = all.span.load(std::memory_order_relaxed);
    for (std::uint32_t tries = 0; tries < span; ++tries) {
      const std::uint32_t at = all.next_thread.fetch_add(1, std::memory_order_relaxed) % span;
      if (!try_take(all.threads[at])) continue;
      *number =
          next_number(all.threads[at].number.load(std::memory_order_relaxed), at, kThreadSlotBits);
      return all.threads[at];
    }
    if (span >= kThreadSlots) {
      throw SharedError(SharedFault::system, EAGAIN,
                        std::to_string(kThreadSlots) + " threads use shared locks already");
    }
    all.span.compare_exchange_strong(span, 2 * span, std::memory_order_relaxed);
  }
}

void forget_in_child() {
  detail::this_thread_number = kNobody;
  const int file = process.file.exchange(-1, std::memory_order_relaxed);
  if (file >= 0) close(file);
  process.number.store(kNobody, std::memory_order_relaxed);
}

[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, forget_in_child);

}  // namespace

DirectoryLayout* known_directory() noexcept {
  const Segment* const segment = directory.load(std::memory_order_acquire);
  return segment == nullptr ? nullptr : reinterpret_cast<DirectoryLayout*>(segment->block(0));
}

ThreadNumber detail::register_thread() {
  ensure_directory();
  deadlock::ThreadRecord& record = deadlock::this_record();
  std::uint32_t number = kNobody;
  ThreadSlot& slot = take_slot(layout(), &number);
  fault_point();
  slot.pid.store(getpid(), std::memory_order_relaxed);
  fault_point();
  // Before the tid, by which the slot comes to life: the number of before must stay dead.
  slot.number.store(number, std::memory_order_release);
  fault_point();
  // release: whoever knows the number finds the rest
  slot.tid.store(static_cast<std::int32_t>(syscall(SYS_gettid)), std::memory_order_release);
  fault_point();
  this_thread_number = number;
  record.shared_number.store(number, std::memory_order_relaxed);
  return number;
}

ProcessNumber this_process_number() {
  const ProcessNumber number = process.number.load(std::memory_order_acquire);
  if (number != kNobody) return number;
  ensure_directory();
  const os::ShortLock guard(process.mutex);
  const ProcessNumber meanwhile = process.number.load(std::memory_order_acquire);
  return meanwhile != kNobody ? meanwhile : register_process();
}

SegmentId directory_id() {
  ensure_directory();
  return directory.load(std::memory_order_acquire)->header().id;
}

std::uint64_t next_primitive_uid() {
  ensure_directory();
  return layout().last_uid.fetch_add(1, std::memory_order_relaxed) + 1;
}

bool is_thread_dead(ThreadNumber number) noexcept {
  ThreadSlot& slot = layout().threads[number % kThreadSlots];
  if (slot.number.load(std::memory_order_acquire) != number) return true;
  // What the kernel writes when a thread ends is part of what the C library promises to no one, but
  // of the system's interface, which does not change: the tid is gone, and a mark is there.
  const auto token = static_cast<std::uint32_t>(
      std::atomic_ref<int>(slot.token.__data.__lock).load(std::memory_order_acquire));
  return (token & FUTEX_TID_MASK) !=
         static_cast<std::uint32_t>(slot.tid.load(std::memory_order_relaxed));
}

bool is_process_dead(ProcessNumber number) noexcept {
  if (number == process.number.load(std::memory_order_relaxed)) return false;
  const std::uint32_t at = number % kProcessSlots;
  if (layout().processes[at].number.load(std::memory_order_acquire) != number) return true;
  struct flock range;
  if (!set_lock(directory.load(std::memory_order_acquire)->fd(), F_OFD_GETLK, F_WRLCK, at,
                &range)) {
    return false;
  }
  return range.l_type == F_UNLCK;
}

ThreadIdentity identify(ThreadNumber number) noexcept {
  const ThreadSlot& slot = layout().threads[number % kThreadSlots];
  if (slot.number.load(std::memory_order_acquire) != number) return {};
  return {slot.pid.load(std::memory_order_relaxed), slot.tid.load(std::memory_order_relaxed)};
}

std::int32_t pid_of_process(ProcessNumber number) noexcept {
  const ProcessSlot& slot = layout().processes[number % kProcessSlots];
  if (slot.number.load(std::memory_order_acquire) != number) return 0;
  return slot.pid.load(std::memory_order_relaxed);
}

}  // namespace nativeconc::shared
