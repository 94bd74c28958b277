// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/futex.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>

#include "support.hpp"

namespace nativeconc::os {
namespace {

// The kernel compares the word itself, so tests change it as the library does: atomically.
struct Word {
  std::atomic<std::uint32_t> value{0};
  const std::uint32_t* address() const { return reinterpret_cast<const std::uint32_t*>(&value); }
};

TEST(Futex, DoesNotSleepOnAnotherValue) {
  const Word word;
  EXPECT_EQ(futex_wait(word.address(), 1, Deadline::never(), Scope::threads), FutexResult::woken);
}

TEST(Futex, TimesOutAtAPastDeadlineWithoutSleeping) {
  const Word word;
  EXPECT_EQ(futex_wait(word.address(), 0, Deadline::expired(), Scope::threads),
            FutexResult::timed_out);
}

TEST(Futex, SleepsUntilItsDeadline) {
  const Word word;
  const Deadline deadline = Deadline::after(20'000'000);
  FutexResult result = FutexResult::woken;
  while (result == FutexResult::woken) {
    result = futex_wait(word.address(), 0, deadline, Scope::threads);
  }
  EXPECT_EQ(result, FutexResult::timed_out);
  EXPECT_TRUE(deadline.has_passed());
}

TEST(Futex, WakesASleeperOfTheChannel) {
  Word word;
  std::thread sleeper([&word] {
    while (word.value.load() == 0) {
      static_cast<void>(futex_wait(word.address(), 0, Deadline::never(), Scope::threads, 2));
    }
  });
  word.value.store(1);
  futex_wake_one(word.address(), Scope::threads, 1 | 2);
  sleeper.join();
}

TEST(Futex, LeavesSleepersOfOtherChannelsAlone) {
  const Word word;
  std::atomic<bool> ended{false};
  std::thread sleeper([&] {
    const Deadline deadline = Deadline::after(60'000'000);
    FutexResult result = FutexResult::woken;
    // Spurious wake-ups aside, only the deadline ends this wait.
    while (result != FutexResult::timed_out) {
      result = futex_wait(word.address(), 0, deadline, Scope::threads, 1);
    }
    ended = true;
  });
  while (!ended) futex_wake_one(word.address(), Scope::threads, 2);
  sleeper.join();
}

TEST(Futex, ReportsASignal) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, &before);
  const Word word;
  std::atomic<bool> interrupted{false};
  std::thread sleeper([&] {
    interrupted = futex_wait(word.address(), 0, Deadline::never(), Scope::threads) ==
                  FutexResult::interrupted;
  });
  const pthread_t handle = sleeper.native_handle();
  // The first signal may come before the sleep begins; go on until one lands in it.
  while (!interrupted) {
    pthread_kill(handle, SIGUSR1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  sleeper.join();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST(Futex, WakesAnotherProcess) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  Word* word = new (page) Word;
  const pid_t child = fork();
  if (child == 0) {
    alarm(100);
    while (word->value.load() == 0) {
      static_cast<void>(futex_wait(word->address(), 0, Deadline::never(), Scope::processes));
    }
    _exit(7);
  }
  word->value.store(1);
  futex_wake_one(word->address(), Scope::processes);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  munmap(page, 4096);
}

}  // namespace
}  // namespace nativeconc::os
