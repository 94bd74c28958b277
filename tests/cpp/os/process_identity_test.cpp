// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/process_identity.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "support.hpp"

namespace nativeconc::os {
namespace {

// A child that does what it is told, says who it is, and then sleeps until it is ended.
class Child {
 public:
  explicit Child(const std::function<void()>& prepare = [] {}) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    pid_ = fork();
    if (pid_ == 0) {
      alarm(100);
      prepare();
      const ProcessIdentity self = this_process();
      if (write(ends[1], &self, sizeof self) != sizeof self) _exit(1);
      for (;;) pause();
    }
    close(ends[1]);
    std::array<std::byte, sizeof identity_> bytes{};
    EXPECT_EQ(read(ends[0], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    identity_ = std::bit_cast<ProcessIdentity>(bytes);
    close(ends[0]);
  }
  ~Child() {
    if (!reaped_) end_and_reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Leaves a zombie.
  void end() const {
    kill(pid_, SIGKILL);
    siginfo_t info;
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }
  void end_and_reap() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    reaped_ = true;
  }
  pid_t pid() const { return pid_; }
  ProcessIdentity identity() const { return identity_; }

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
  ProcessIdentity identity_;
};

TEST(ProcessIdentity, OfThisProcessIsKnownAndAlive) {
  const ProcessIdentity self = this_process();
  EXPECT_EQ(self.pid, getpid());
  EXPECT_NE(self.start_time, kUnknownStartTime);
  EXPECT_NE(self.pid_namespace, 0u);
  EXPECT_EQ(this_process(), self);
  EXPECT_EQ(read_process(getpid()), self);
  EXPECT_TRUE(is_alive(self));
}

TEST(ProcessIdentity, IsTheSameInEveryThread) {
  const ProcessIdentity self = this_process();
  testing::run_threads(4, [&](int) { EXPECT_EQ(this_process(), self); });
}

TEST(ProcessIdentity, OfAForkedChildIsItsOwn) {
  const ProcessIdentity parent = this_process();
  const Child child;
  EXPECT_EQ(child.identity().pid, child.pid());
  EXPECT_EQ(child.identity().pid_namespace, parent.pid_namespace);
  EXPECT_GE(child.identity().start_time, parent.start_time);
  EXPECT_EQ(read_process(child.pid()), child.identity());
  EXPECT_TRUE(is_alive(child.identity()));
  EXPECT_EQ(this_process(), parent);
}

TEST(ProcessIdentity, AChildSeesItsParentAlive) {
  const ProcessIdentity parent = this_process();
  EXPECT_EQ(testing::run_in_child([&] { return is_alive(parent) ? 7 : 1; }), 7);
}

TEST(ProcessIdentity, AZombieIsDead) {
  Child child;
  child.end();
  EXPECT_EQ(read_process(child.pid()), std::nullopt);
  EXPECT_FALSE(is_alive(child.identity()));
}

TEST(ProcessIdentity, WhatIsGoneIsDead) {
  Child child;
  child.end_and_reap();
  EXPECT_EQ(read_process(child.pid()), std::nullopt);
  EXPECT_FALSE(is_alive(child.identity()));
}

TEST(ProcessIdentity, AStoppedProcessIsAlive) {
  const Child child;
  kill(child.pid(), SIGSTOP);
  waitpid(child.pid(), nullptr, WUNTRACED);
  EXPECT_TRUE(is_alive(child.identity()));
}

TEST(ProcessIdentity, AnotherStartTimeIsAnotherProcess) {
  ProcessIdentity other = this_process();
  ++other.start_time;
  EXPECT_FALSE(is_alive(other));
  other.start_time = kUnknownStartTime;
  EXPECT_TRUE(is_alive(other));
}

TEST(ProcessIdentity, AnotherNamespacesProcessesAreNotSeen) {
  ProcessIdentity other = this_process();
  ++other.pid_namespace;
  EXPECT_FALSE(is_alive(other));
  other.pid_namespace = 0;
  EXPECT_TRUE(is_alive(other));
}

TEST(ProcessIdentity, NoPidIsNoProcess) {
  EXPECT_FALSE(is_alive(ProcessIdentity{}));
  for (const int pid : {0, -1, -getpid()}) EXPECT_EQ(read_process(pid), std::nullopt);
}

TEST(ProcessIdentity, ANameWithSpacesAndBracketsDoesNotConfuse) {
  const Child child([] { prctl(PR_SET_NAME, "x) Z 1 (2) 3 4"); });
  EXPECT_NE(child.identity().start_time, kUnknownStartTime);
  EXPECT_EQ(read_process(child.pid()), child.identity());
  EXPECT_LT(child.identity().start_time - this_process().start_time, 1'000'000'000u);
  EXPECT_TRUE(is_alive(child.identity()));
}

TEST(ProcessIdentity, AProcessWhoseFirstThreadHasEndedIsAlive) {
  SKIP_WITHOUT_THREADS_AFTER_FORK();
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(100);
    std::thread([&] {
      const char ready = 'r';
      if (write(ends[1], &ready, 1) != 1) _exit(1);
      for (;;) pause();
    }).detach();
    syscall(SYS_exit, 0);  // this thread alone, without unwinding the test
  }
  close(ends[1]);
  char ready = 0;
  ASSERT_EQ(read(ends[0], &ready, 1), 1);
  const auto is_zombie = [&] {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    return text.find(") Z ") != std::string::npos;
  };
  while (!is_zombie()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto process = read_process(pid);
  EXPECT_TRUE(process && is_alive(*process));
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_EQ(read_process(pid), std::nullopt);
  close(ends[0]);
}

}  // namespace
}  // namespace nativeconc::os
