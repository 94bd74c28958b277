// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Queues between processes: who waits for what, who is woken, and what a death or a stop changes.
#include "nativeconc/shared/queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "queue_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using namespace nativeconc::testing;

TEST(SharedQueue, AConsumerWaitsForAMessage) {
  SharedQueue queue;
  const pid_t child = start_child([&] {
    sleep_ms(30);
    ASSERT_EQ(put(*queue, "at last"), Outcome::done);
  });
  EXPECT_EQ(take(*queue), "at last");
  join_child(child);
}

TEST(SharedQueue, AProducerWaitsForRoom) {
  SharedQueue queue(64, false);
  ASSERT_EQ(put(*queue, std::string(40, 'x')), Outcome::done);
  const pid_t child = start_child([&] {
    sleep_ms(30);
    EXPECT_EQ(take(*queue), std::string(40, 'x'));
  });
  EXPECT_EQ(put(*queue, "second"), Outcome::done);
  EXPECT_EQ(take(*queue), "second");
  join_child(child);
}

TEST(SharedQueue, ASignalEndsAWait) {
  SharedQueue queue;
  const Nudge nudge;
  std::atomic<bool> is_over{false};
  std::string got;
  std::thread thread([&] {
    got = take(*queue);
    is_over = true;
  });
  // One signal may come between two slices.
  while (!is_over) {
    sleep_ms(1);
    nudge(thread);
  }
  thread.join();
  EXPECT_EQ(got, brackets(Outcome::interrupted));
}

TEST(SharedQueue, AClosedQueueIsDrained) {
  SharedQueue queue;
  ASSERT_EQ(put(*queue, "last"), Outcome::done);
  ASSERT_EQ(queue->close(this_thread_number(), Deadline::never()), Outcome::done);
  EXPECT_EQ(put(*queue, "too late"), Outcome::closed);
  EXPECT_EQ(take(*queue), "last");
  EXPECT_EQ(take(*queue), brackets(Outcome::closed));
  EXPECT_EQ(queue->close(this_thread_number(), Deadline::never()), Outcome::done);
}

TEST(SharedQueue, ClosingWakesAllWhoWait) {
  SharedQueue empty;
  SharedQueue full(64, false);
  ASSERT_EQ(put(*full, std::string(40, 'x')), Outcome::done);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(start_child([&] { EXPECT_EQ(take(*empty), brackets(Outcome::closed)); }));
    children.push_back(start_child([&] { EXPECT_EQ(put(*full, "x"), Outcome::closed); }));
  }
  sleep_ms(30);
  EXPECT_EQ(empty->close(this_thread_number(), Deadline::never()), Outcome::done);
  EXPECT_EQ(full->close(this_thread_number(), Deadline::never()), Outcome::done);
  for (const pid_t child : children) join_child(child);
}

TEST(SharedQueue, AStoppedHolderOfAnEndDoesNotStopDeadlines) {
  SharedQueue queue;
  ASSERT_EQ(put(*queue, "there"), Outcome::done);
  const pid_t child = start_child([&] {
    ASSERT_EQ(queue.layout().producers.mutex.lock(this_thread_number(), Deadline::never()),
              RobustMutex::Taken::clean);
    ASSERT_EQ(queue.layout().consumers.mutex.lock(this_thread_number(), Deadline::never()),
              RobustMutex::Taken::clean);
    raise(SIGSTOP);
    for (;;) pause();
  });
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  const Deadline soon = Deadline::after(60'000'000);
  EXPECT_EQ(put(*queue, "x", soon), Outcome::timed_out);
  EXPECT_TRUE(soon.has_passed());
  EXPECT_EQ(take(*queue, Deadline::after(60'000'000)), brackets(Outcome::timed_out));
  EXPECT_EQ(queue->close(this_thread_number(), Deadline::after(1'000'000)), Outcome::timed_out);
  std::size_t done = 0;
  EXPECT_EQ(
      queue->try_put(this_thread_number(), std::vector<Outgoing>(1), Deadline::expired(), &done)
          .outcome,
      Outcome::busy);
  // Its death frees both.
  kill_child(child);
  EXPECT_EQ(put(*queue, "x"), Outcome::done);
  EXPECT_EQ(take(*queue), "there");
  EXPECT_EQ(take(*queue), "x");
}

TEST(SharedQueue, ManyProducersAndConsumersLoseAndDoubleNothing) {
  SharedQueue queue(1000 / 8 * 8);
  constexpr int kProducers = 3;
  constexpr int kEach = 200 * kScale;
  std::vector<pid_t> children;
  for (int p = 0; p < kProducers; ++p) {
    children.push_back(start_child([&, p] {
      for (int i = 0; i < kEach; ++i) {
        const std::string text = std::to_string(p) + ":" + std::to_string(i);
        if (i % 50 == 0) {
          ASSERT_EQ(put_file(*queue, text, 1), Outcome::done);
        } else {
          ASSERT_EQ(put(*queue, text + std::string(static_cast<std::size_t>(i % 40), '.')),
                    Outcome::done);
        }
      }
    }));
  }
  std::vector<std::vector<std::string>> got(2);
  std::vector<std::thread> consumers;
  for (auto& mine : got) {
    consumers.emplace_back([&] {
      for (;;) {
        std::vector<Incoming> taken;
        const auto result = queue->take(this_thread_number(), 4, Deadline::never(), &taken);
        if (result.outcome == Outcome::closed) return;
        ASSERT_EQ(result.outcome, Outcome::done);
        for (const Incoming& one : taken) {
          if (!one.files.empty()) {
            EXPECT_EQ(content(one.files[0]), text_of(one));
          }
          mine.push_back(text_of(one).substr(0, text_of(one).find('.')));
        }
      }
    });
  }
  for (const pid_t child : children) join_child(child);
  ASSERT_EQ(queue->close(this_thread_number(), Deadline::never()), Outcome::done);
  for (std::thread& consumer : consumers) consumer.join();
  std::vector<std::string> all(got[0]);
  all.insert(all.end(), got[1].begin(), got[1].end());
  std::vector<std::string> wanted;
  for (int p = 0; p < kProducers; ++p) {
    for (int i = 0; i < kEach; ++i) wanted.push_back(std::to_string(p) + ":" + std::to_string(i));
  }
  std::sort(all.begin(), all.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(all, wanted);
}

}  // namespace
}  // namespace nativeconc::shared
