// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/parallel_for.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <set>

#include "nativeconc/pool/thread_pool.hpp"
#include "support.hpp"

namespace nativeconc::pool {
namespace {

using testing::kScale;
using testing::run_threads;

// Runs n chunks and returns how often each was run.
std::vector<int> count_runs(std::int64_t n, int threads) {
  std::vector<int> runs(static_cast<std::size_t>(n), 0);
  const Outcome outcome = parallel_for(
      n, Execution{threads},
      [&](std::int64_t chunk, const Checkpoint&) { ++runs[static_cast<std::size_t>(chunk)]; });
  EXPECT_EQ(outcome, Outcome::done);
  return runs;
}

class ParallelFor : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, ::testing::Values(1, 2, 3, 8, 64));

TEST_P(ParallelFor, RunsEveryChunkOnce) {
  for (const std::int64_t n : {0, 1, 2, 7, 1000}) {
    EXPECT_EQ(count_runs(n, GetParam()), std::vector<int>(static_cast<std::size_t>(n), 1));
  }
}

TEST_P(ParallelFor, PublishesWhatEveryChunkWrote) {
  for (int round = 0; round < 20 * kScale; ++round) {
    std::vector<std::int64_t> squares(100);
    ASSERT_EQ(parallel_for(100, Execution{GetParam()},
                           [&](std::int64_t chunk, const Checkpoint&) {
                             squares[static_cast<std::size_t>(chunk)] = chunk * chunk;
                           }),
              Outcome::done);
    EXPECT_EQ(std::accumulate(squares.begin(), squares.end(), std::int64_t{0}), 328350);
  }
}

TEST_P(ParallelFor, NestedCallsRunInlineOnTheThreadOfTheirChunk) {
  std::atomic<int> elsewhere{0};
  const Outcome outer =
      parallel_for(8, Execution{GetParam()}, [&](std::int64_t, const Checkpoint&) {
        const auto here = std::this_thread::get_id();
        const Outcome inner =
            parallel_for(8, Execution{GetParam()}, [&](std::int64_t, const Checkpoint&) {
              if (GetParam() > 1 && std::this_thread::get_id() != here) ++elsewhere;
            });
        if (inner != Outcome::done) ++elsewhere;
      });
  EXPECT_EQ(outer, Outcome::done);
  EXPECT_EQ(elsewhere, 0);
}

TEST_P(ParallelFor, ACancelledRunStopsAndSaysSo) {
  Cancellation cancellation;
  std::atomic<int> started{0};
  const Outcome outcome = parallel_for(1'000'000, Execution{GetParam(), &cancellation},
                                       [&](std::int64_t, const Checkpoint&) {
                                         if (++started == 10) cancellation.request();
                                       });
  EXPECT_EQ(outcome, Outcome::cancelled);
  EXPECT_LT(started, 1'000'000);
}

TEST_P(ParallelFor, ALongChunkLearnsOfTheCancellationFromItsCheckpoint) {
  Cancellation cancellation([](void*) { return true; });  // stops at the first poll
  const Outcome outcome = parallel_for(4, Execution{GetParam(), &cancellation},
                                       [](std::int64_t, const Checkpoint& checkpoint) {
                                         while (!checkpoint.stop()) std::this_thread::yield();
                                       });
  EXPECT_EQ(outcome, Outcome::cancelled);
}

TEST(ParallelForTogether, ManyCallersShareThePool) {
  std::atomic<std::int64_t> chunks{0};
  run_threads(8, [&](int) {
    for (int i = 0; i < 20 * kScale; ++i) {
      const Outcome outcome =
          parallel_for(50, Execution{3}, [&](std::int64_t, const Checkpoint&) { ++chunks; });
      ASSERT_EQ(outcome, Outcome::done);
    }
  });
  EXPECT_EQ(chunks, std::int64_t{8} * 20 * kScale * 50);
}

TEST(ParallelForTogether, UsesSeveralThreads) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  // Every chunk waits until two threads have come: with one alone, this would never end.
  const Outcome outcome = parallel_for(2, Execution{2}, [&](std::int64_t, const Checkpoint&) {
    for (;;) {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
      if (seen.size() == 2) return;
    }
  });
  EXPECT_EQ(outcome, Outcome::done);
  EXPECT_EQ(seen.size(), 2U);
}

}  // namespace
}  // namespace nativeconc::pool
