// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A forked process that a test leads step by step, and what a process has open and mapped.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <utility>

namespace nativeconc::shared::testing {

// The body runs in the child; its return value is the exit status. Where it calls stop(), it waits
// until the test has said proceed().
class Peer {
 public:
  explicit Peer(const std::function<int(Peer&)>& body) {
#if defined(__SANITIZE_ADDRESS__)
    // See run_in_child() in support.hpp.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
#endif
    EXPECT_EQ(pipe(to_child_.data()), 0);
    EXPECT_EQ(pipe(to_test_.data()), 0);
    pid_ = fork();
    if (pid_ == 0) {
      alarm(100);
      close(to_child_[1]);
      close(to_test_[0]);
      _exit(body(*this));
    }
    close(to_child_[0]);
    close(to_test_[1]);
  }
  ~Peer() {
    close(to_child_[1]);
    close(to_test_[0]);
    if (pid_ > 0) kill_now();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // In the child.
  void stop() const {
    char word = 's';
    if (write(to_test_[1], &word, 1) != 1 || read(to_child_[0], &word, 1) != 1) _exit(90);
  }

  // In the test. False if the child has ended instead.
  bool wait_for_stop() const {
    char word = 0;
    return read(to_test_[0], &word, 1) == 1;
  }
  void proceed() const {
    const char word = 'p';
    EXPECT_EQ(write(to_child_[1], &word, 1), 1);
  }
  void kill_now() {
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  // The exit status; -1 if it died of a signal.
  int wait_for_end() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  pid_t pid() const { return pid_; }

 private:
  std::array<int, 2> to_child_{};
  std::array<int, 2> to_test_{};
  pid_t pid_ = -1;
};

inline std::ptrdiff_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

// Mappings of shared memory that this process has.
inline int shared_mappings() {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    const bool is_ours = line.find("/memfd:nativeconc") != std::string::npos ||
                         line.find("/dev/shm/") != std::string::npos;
    count += is_ours ? 1 : 0;
  }
  return count;
}

// A name that no other test, and no other run of this one, uses.
inline std::string fresh_name() {
  static int count = 0;
  return "test-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

}  // namespace nativeconc::shared::testing
