// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// All threads, of all processes of this user, that use shared locks: who they are, and whether they
// still live.
//
// A lock says who owns it by a number from here. Each thread locks one robust mutex of its own, for
// as long as it lives; the kernel marks that when the thread ends, however it ends. So whether an
// owner lives is one look at memory, and a thread may hold as many locks as it likes: the kernel
// has one mutex to look after, not all of them. Processes, which hold the permits of semaphores,
// are known in the same way by a file lock of their own.
//
// The directory is a named segment, which the first user makes and the last takes away. It is never
// unmapped: the kernel may write to it while a thread ends.
//
// Any thread. After fork the child is another process: its threads have no number yet, and what its
// parent holds it does not.
//
//   number of a thread   bits 0..12 its slot, bits 13..29 how often that was used, from 1
//   number of a process  bits 0..11 its slot, bits 12..29 how often that was used, from 1
//
// So bits 30 and 31 are free for whoever keeps such a number, and 0 is nobody.
//
// Invariants:
//   I.   a slot is used by the thread that has its token locked; the number and the tid beside it
//        are that thread's from the moment at which anybody else can know the number.
//   II.  a number whose slot has another number, or whose token does not say its tid, is dead, and
//        stays so until the slot was used 2^17 times.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "nativeconc/shared/segment_header.hpp"

namespace nativeconc::shared {

using ThreadNumber = std::uint32_t;
using ProcessNumber = std::uint32_t;
inline constexpr std::uint32_t kNobody = 0;
inline constexpr std::uint32_t kMaxNumber = (1U << 30) - 1;

struct ThreadIdentity {
  std::int32_t pid = 0;  // 0: not known any more
  std::int32_t tid = 0;  // the system's number of it, threading.get_native_id()
};

namespace detail {
// initial-exec: see deadlock/thread_id.hpp.
extern constinit thread_local ThreadNumber this_thread_number [[gnu::tls_model("initial-exec")]];
ThreadNumber register_thread();
}  // namespace detail

// The calling thread's number. Throws SharedError the first time, if the directory cannot be had or
// is full.
inline ThreadNumber this_thread_number() {
  const ThreadNumber number = detail::this_thread_number;
  return number != kNobody ? number : detail::register_thread();
}

// The same for the process.
ProcessNumber this_process_number();

// Which directory this process uses. A primitive remembers it: its numbers mean nothing in another.
// Throws SharedError.
SegmentId directory_id();

// A number for a primitive, never given out twice by this directory. Throws SharedError.
std::uint64_t next_primitive_uid();

// Whether the thread, or the process, has ended. Not for kNobody. The first costs two loads, the
// second a system call. They need a directory: whoever has a number has one.
bool is_thread_dead(ThreadNumber number) noexcept;
bool is_process_dead(ProcessNumber number) noexcept;

// Who it is, or was, as long as nobody else has its slot.
ThreadIdentity identify(ThreadNumber number) noexcept;
std::int32_t pid_of_process(ProcessNumber number) noexcept;

}  // namespace nativeconc::shared
