// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Ends a hanging test: prints its name and the stacks of all threads (when gdb is installed), and
// aborts.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

namespace {

constexpr std::chrono::seconds kLimit{
    200};  // generous: sanitizers are slow, and so may the machine be

class Watchdog : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo& test) override {
    done_ = false;
    name_ = std::string(test.test_suite_name()) + "." + test.name();
    thread_ = std::thread([this] { watch(); });
  }

  void OnTestEnd(const ::testing::TestInfo&) override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    if (ended_.wait_for(lock, kLimit, [this] { return done_; })) return;
    std::fprintf(stderr, "watchdog: %s hangs\n", name_.c_str());
    const std::string command =
        "gdb -p " + std::to_string(getpid()) + " -batch -ex 'thread apply all backtrace' 1>&2";
    if (std::system(command.c_str()) != 0)
      std::fprintf(stderr, "watchdog: no stacks without gdb\n");
    std::abort();
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::thread thread_;
  std::string name_;
  bool done_ = false;
};

const bool installed = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new Watchdog);
  return true;
}();

}  // namespace
