// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Dying between any two steps of an algorithm, at each of them once.
//
// A round is: a new object, filled with zeros; what the test prepares; a child that does something
// and dies at its n-th fault point (nativeconc/shared/fault_point.hpp); and the survivors, who must
// find everything in order. The rounds go on, n by n, until a child comes through alive.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/thread_directory.hpp"
#include "shared/processes.hpp"

#if !defined(NATIVECONC_FAULT_POINTS)
#error "these tests need a core that can die at its fault points"
#endif

namespace nativeconc::testing {

enum class Fate { died, survived };

// How the child ended; a failure of the test if it neither died at a fault point nor did well.
inline Fate fate_of(pid_t child) {
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return Fate::died;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child failed";
  return Fate::survived;
}

// Starts a child that dies at its n-th fault point, counted from 0.
template <class Function>
pid_t start_doomed_child(int n, Function function) {
  return start_child([&] {
    shared::this_thread_number();  // its fault points are another test's business
    shared::fault_points_left = n;
    function();
    shared::fault_points_left = -1;
  });
}

// The same, but it is stopped there; it goes on with SIGCONT. Returns when it has stopped.
template <class Function>
pid_t start_stopping_child(int n, Function function) {
  const pid_t child = start_doomed_child(n, [&] {
    shared::fault_signal = SIGSTOP;
    function();
  });
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
  EXPECT_TRUE(WIFSTOPPED(status));
  return child;
}

// prepare(T&) and check(T&, Fate) run here, doomed(T&) in the child. Returns how many fault points
// there were; a test expects some, or it would test nothing.
template <class T, class Prepare, class Doomed, class Check>
int die_at_every_fault_point(Prepare prepare, Doomed doomed, Check check) {
  for (int n = 0;; ++n) {
    SCOPED_TRACE("fault point " + std::to_string(n));
    Shared<T> object;
    prepare(*object);
    const Fate fate = fate_of(start_doomed_child(n, [&] { doomed(*object); }));
    check(*object, fate);
    if (fate == Fate::survived || ::testing::Test::HasFailure()) return n;
  }
}

template <class T, class Doomed, class Check>
int die_at_every_fault_point(Doomed doomed, Check check) {
  return die_at_every_fault_point<T>([](T&) {}, doomed, check);
}

}  // namespace nativeconc::testing
