// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Small tools for tests with threads and child processes.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

namespace nativeconc::testing {

// Runs body(0) .. body(n - 1), each in a thread of its own, and joins them.
inline void run_threads(int n, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

// Runs body in a forked child and returns its exit status; -1 if it died of a signal or did not end
// in ten times the time it should ever need.
inline int run_in_child(const std::function<int()>& body) {
#if defined(__SANITIZE_ADDRESS__)
  // A lock of its allocator that another thread holds during the fork stays locked in the child:
  // let threads that are just starting come to rest.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
#endif
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(100);
    _exit(body());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Under a sanitizer everything is ten times slower, and stress loops shrink.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr int kScale = 1;
#else
inline constexpr int kScale = 10;
#endif

// TSan loses track of threads that are started after a fork of a program with several, and ASan's
// allocator may be locked there: such tests then leave that part to the other builds.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kThreadsAfterFork = false;
#else
inline constexpr bool kThreadsAfterFork = true;
#endif

}  // namespace nativeconc::testing

#define SKIP_WITHOUT_THREADS_AFTER_FORK()      \
  if (!nativeconc::testing::kThreadsAfterFork) \
  GTEST_SKIP() << "sanitizers cannot follow threads that start after a fork"
