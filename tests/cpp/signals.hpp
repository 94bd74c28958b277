// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Signals for tests of waits, and waiting for what another thread is about to do.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace nativeconc::testing {

// While it lives, SIGUSR1 interrupts a wait and does nothing else.
class Nudge {
 public:
  Nudge() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, &before_);
  }
  ~Nudge() { sigaction(SIGUSR1, &before_, nullptr); }
  Nudge(const Nudge&) = delete;
  Nudge& operator=(const Nudge&) = delete;

  void operator()(std::thread& thread) const { pthread_kill(thread.native_handle(), SIGUSR1); }

 private:
  struct sigaction before_ = {};
};

// TSan runs handlers when the thread next calls something that it watches: not while it sleeps.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kCanFreeze = false;
#else
inline constexpr bool kCanFreeze = true;
#endif

// While it lives, SIGUSR2 stops the thread that it is sent to, in its handler, until thaw().
class Freezer {
 public:
  Freezer() {
    sem_init(&frozen_, 0, 0);
    sem_init(&thawed_, 0, 0);
    struct sigaction action = {};
    action.sa_handler = [](int) {
      sem_post(&frozen_);
      while (sem_wait(&thawed_) != 0 && errno == EINTR) {
      }
    };
    sigaction(SIGUSR2, &action, &before_);
  }
  ~Freezer() { sigaction(SIGUSR2, &before_, nullptr); }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  // Returns when the thread has stopped.
  void freeze(std::thread& thread) {
    pthread_kill(thread.native_handle(), SIGUSR2);
    while (sem_wait(&frozen_) != 0 && errno == EINTR) {
    }
  }
  void thaw() { sem_post(&thawed_); }

 private:
  inline static sem_t frozen_;
  inline static sem_t thawed_;
  struct sigaction before_ = {};
};

// Returns when it has become true; the watchdog is the limit.
template <class Predicate>
void wait_until(Predicate is_true) {
  while (!is_true()) std::this_thread::sleep_for(std::chrono::microseconds(200));
}

inline pid_t kernel_id() { return static_cast<pid_t>(syscall(SYS_gettid)); }

inline bool is_asleep(pid_t kernel_id) {
  std::ifstream file("/proc/self/task/" + std::to_string(kernel_id) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(") ");
  return name_end != std::string::npos && line.at(name_end + 2) == 'S';
}

// For a thread that has noted its kernel_id() just before it waits for what is to be tested.
inline void wait_until_asleep(const std::atomic<pid_t>& noted) {
  int looks = 0;
  wait_until([&] { return (looks = noted != 0 && is_asleep(noted) ? looks + 1 : 0) == 5; });
}

inline void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace nativeconc::testing
