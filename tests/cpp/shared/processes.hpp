// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Children that work on shared memory, and die.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

#include "nativeconc/shared/thread_directory.hpp"
#include "signals.hpp"

namespace nativeconc::testing {

// One object, zeroed and then made, that forked children share.
template <class T>
class Shared {
 public:
  Shared()
      : object_(new (mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                          -1, 0)) T) {}
  ~Shared() { munmap(object_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  T* object_;
};

// Runs it in a child, which then ends without more ado: no destructors, nothing is given back.
template <class Function>
pid_t start_child(Function function) {
  // The directory lasts as long as somebody uses it. In a new one the numbers of those who died
  // would mean others.
  shared::this_thread_number();
  const pid_t child = fork();
  if (child != 0) return child;
  function();
  _exit(::testing::Test::HasFailure() ? 1 : 0);
}

inline void join_child(pid_t child) {
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child failed";
}

inline void kill_child(pid_t child) {
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

// The same in one go; returns the pid that it had.
template <class Function>
pid_t in_child(Function function) {
  const pid_t child = start_child(function);
  join_child(child);
  return child;
}

}  // namespace nativeconc::testing
