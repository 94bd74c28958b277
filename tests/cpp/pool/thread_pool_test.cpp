// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/thread_pool.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>

#include "nativeconc/pool/parallel_for.hpp"
#include "support.hpp"

namespace nativeconc::pool {
namespace {

using testing::run_in_child;
using testing::run_threads;

int count_os_threads() {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    static_cast<void>(entry);
    ++n;
  }
  return n;
}

std::int64_t sum_chunks(int threads) {
  std::atomic<std::int64_t> total{0};
  const Outcome outcome = parallel_for(
      200, Execution{threads}, [&](std::int64_t chunk, const Checkpoint&) { total += chunk; });
  return outcome == Outcome::done ? total.load() : -1;
}

constexpr std::int64_t kSum = 199 * 200 / 2;

TEST(ThreadPool, StartsWorkersOnlyWhenWantedAndKeepsThem) {
  SKIP_WITHOUT_THREADS_AFTER_FORK();
  const int in_child = run_in_child([] {
    if (ThreadPool::instance().worker_count() != 0 || count_os_threads() != 1) return 1;
    if (sum_chunks(1) != kSum || ThreadPool::instance().worker_count() != 0) return 2;
    if (sum_chunks(4) != kSum || ThreadPool::instance().worker_count() != 3) return 3;
    if (sum_chunks(2) != kSum || ThreadPool::instance().worker_count() != 3) return 4;
    return 7;
  });
  EXPECT_EQ(in_child, 7);
}

TEST(ThreadPool, StopsWhenIdleAndComesBack) {
  EXPECT_EQ(sum_chunks(4), kSum);
  ThreadPool::stop_if_idle();
  EXPECT_EQ(ThreadPool::instance().worker_count(), 0);
  EXPECT_EQ(sum_chunks(4), kSum);
  EXPECT_EQ(ThreadPool::instance().worker_count(), 3);
}

TEST(ThreadPool, IsNotStoppedWhileBusy) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::thread caller([&] {
    static_cast<void>(parallel_for(2, Execution{2}, [&](std::int64_t, const Checkpoint&) {
      inside = true;
      while (!leave) std::this_thread::yield();
    }));
  });
  while (!inside) std::this_thread::yield();
  ThreadPool::stop_if_idle();
  EXPECT_GT(ThreadPool::instance().worker_count(), 0);
  leave = true;
  caller.join();
}

TEST(ThreadPool, StopsItsIdleWorkersBeforeAFork) {
  SKIP_WITHOUT_THREADS_AFTER_FORK();
  EXPECT_EQ(sum_chunks(4), kSum);
  ASSERT_EQ(run_in_child([] { return sum_chunks(4) == kSum ? 7 : 1; }), 7);
  EXPECT_EQ(ThreadPool::instance().worker_count(), 0);
  EXPECT_EQ(sum_chunks(4), kSum);
}

TEST(ThreadPool, AChildOfABusyPoolHasAPoolOfItsOwn) {
  SKIP_WITHOUT_THREADS_AFTER_FORK();
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) static_cast<void>(sum_chunks(3));
  });
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(run_in_child([] { return sum_chunks(4) == kSum ? 7 : 1; }), 7);
  }
  stop = true;
  busy.join();
}

// A signal handler may fork in the middle of a run. The child has lost the workers and what they
// had begun, and still gets the whole result.
TEST(ThreadPool, AForkInTheMiddleOfARunLeavesBothSidesWhole) {
  SKIP_WITHOUT_THREADS_AFTER_FORK();
  struct Fork {
    pid_t child = -1;
  } fork_once;
  Cancellation cancellation(
      [](void* context) {
        auto* state = static_cast<Fork*>(context);
        if (state->child == -1) state->child = fork();
        return false;
      },
      &fork_once);
  std::vector<std::int64_t> out(64, -1);
  const Outcome outcome = parallel_for(64, Execution{3, &cancellation},
                                       [&](std::int64_t chunk, const Checkpoint& checkpoint) {
                                         const Deadline end = Deadline::after(4'000'000);
                                         while (!end.has_passed())
                                           static_cast<void>(checkpoint.stop());
                                         out[static_cast<std::size_t>(chunk)] = chunk;
                                       });
  bool whole = outcome == Outcome::done;
  for (std::int64_t chunk = 0; chunk < 64; ++chunk) {
    whole = whole && out[static_cast<std::size_t>(chunk)] == chunk;
  }
  if (fork_once.child == 0) _exit(whole && sum_chunks(2) == kSum ? 7 : 1);
  EXPECT_TRUE(whole);
  ASSERT_GT(fork_once.child, 0) << "the run was too short to poll";
  int status = 0;
  waitpid(fork_once.child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

TEST(ThreadPool, ItsWorkersBlockEverySignal) {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> seen{0};
  std::atomic<bool> blocked{true};
  // The caller waits in its chunk for a worker to come; so one does.
  const Outcome outcome = parallel_for(2, Execution{2}, [&](std::int64_t, const Checkpoint&) {
    ++seen;
    while (seen < 2) std::this_thread::yield();
    if (std::this_thread::get_id() == caller) return;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGCHLD}) {
      if (sigismember(&mask, signal) != 1) blocked = false;
    }
  });
  EXPECT_EQ(outcome, Outcome::done);
  EXPECT_TRUE(blocked);
}

TEST(ThreadPool, StoppingAndRunningFromManyThreadsAtOnceGoesOn) {
  run_threads(4, [](int i) {
    for (int k = 0; k < 20 * testing::kScale; ++k) {
      if (i == 0) {
        ThreadPool::stop_if_idle();
      } else {
        ASSERT_EQ(sum_chunks(3), kSum);
      }
    }
  });
}

}  // namespace
}  // namespace nativeconc::pool
