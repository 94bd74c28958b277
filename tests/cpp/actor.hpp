// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A thread that does what it is told, one thing after the other: so that a test can say who does
// what, and in which order.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace nativeconc::testing {

class Actor {
 public:
  Actor() : thread_([this] { act(); }) {}
  ~Actor() {
    tell([this] { done_ = true; });
    thread_.join();
  }
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // Returns when it has been done.
  void run(std::function<void()> what) {
    tell(std::move(what));
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return what_ == nullptr; });
  }

 private:
  void tell(std::function<void()> what) {
    const std::lock_guard lock(mutex_);
    what_ = std::move(what);
    changed_.notify_all();
  }

  void act() {
    std::unique_lock lock(mutex_);
    while (!done_) {
      changed_.wait(lock, [this] { return what_ != nullptr; });
      lock.unlock();
      what_();
      lock.lock();
      what_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> what_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace nativeconc::testing
