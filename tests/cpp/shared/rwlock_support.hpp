// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What the tests of shared::RWLock have in common: taking it as the seam does, children that hold
// it, and finding it free.
#pragma once

#include <gtest/gtest.h>

#include "nativeconc/shared/rwlock.hpp"
#include "processes.hpp"

namespace nativeconc::shared {

using Entry = RWLock::Entry;
using Read = RWLock::Read;
using Downgrade = RWLock::Downgrade;
using IfDead = RWLock::IfDead;

inline Read try_read(RWLock& lock) { return lock.try_read(this_thread_number()); }
inline bool release_read(RWLock& lock) { return lock.release_read(this_thread_number()); }
inline Entry try_write(RWLock& lock, IfDead if_dead = IfDead::leave_in_doubt) {
  return lock.try_write(this_thread_number(), if_dead);
}
inline bool release_write(RWLock& lock) { return lock.release_write(this_thread_number()); }

inline Read read(RWLock& lock, Deadline deadline = Deadline::never()) {
  Read result = try_read(lock);
  if (result != Read::timed_out) return result;
  do {
    result = lock.read(this_thread_number(), deadline);
  } while (result == Read::interrupted);
  return result;
}

inline Entry write(RWLock& lock, Deadline deadline = Deadline::never(),
                   IfDead if_dead = IfDead::leave_in_doubt) {
  Entry result = try_write(lock, if_dead);
  if (result != Entry::timed_out) return result;
  RWLock::WriteWait wait;
  do {
    result = lock.write(this_thread_number(), deadline, wait, if_dead);
  } while (result == Entry::interrupted);
  if (result == Entry::timed_out) lock.give_up(this_thread_number(), wait);
  return result;
}

inline void expect_free(RWLock& lock) {
  EXPECT_EQ(lock.readers(), 0U);
  EXPECT_EQ(lock.turn(), kNobody);
  testing::in_child([&] {
    EXPECT_EQ(try_write(lock), Entry::acquired);
    EXPECT_TRUE(release_write(lock));
    EXPECT_EQ(try_read(lock), Read::acquired);
    EXPECT_TRUE(release_read(lock));
  });
}

// What another process finds, now.
template <class Question>
bool asked_elsewhere(Question question) {
  testing::Shared<std::atomic<bool>> answer;
  testing::in_child([&] { *answer = question(); });
  return *answer;
}

inline bool others_can_read(RWLock& lock) {
  return asked_elsewhere([&] { return try_read(lock) == Read::acquired && release_read(lock); });
}

inline bool others_can_write(RWLock& lock) {
  return asked_elsewhere([&] { return try_write(lock) == Entry::acquired && release_write(lock); });
}

// A child that does it, and then lives on until it is killed.
template <class Function>
pid_t start_and_wait(Function function) {
  testing::Shared<std::atomic<bool>> done;
  const pid_t child = testing::start_child([&] {
    function();
    *done = true;
    for (;;) pause();
  });
  testing::wait_until([&] { return done->load(); });
  return child;
}

inline pid_t start_reader(RWLock& lock) {
  return start_and_wait([&] { EXPECT_EQ(read(lock), Read::acquired); });
}
inline pid_t start_writer(RWLock& lock) {
  return start_and_wait([&] { EXPECT_EQ(write(lock), Entry::acquired); });
}

// A child whose writer has announced itself, and waits for the readers that are inside.
inline pid_t start_pending_writer(RWLock& lock) {
  const pid_t child = testing::start_child([&] {
    EXPECT_EQ(write(lock), Entry::acquired);
    for (;;) pause();
  });
  testing::wait_until([&] { return lock.turn() != kNobody && !others_can_read(lock); });
  return child;
}

}  // namespace nativeconc::shared
