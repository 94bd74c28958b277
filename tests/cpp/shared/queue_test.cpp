// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Queues between processes: what comes out, when one waits, and what a death leaves.
#include "nativeconc/shared/queue.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "processes.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using Outcome = Queue::Outcome;
using testing::in_child;
using testing::start_child;

// A queue that forked children share.
class SharedQueue {
 public:
  explicit SharedQueue(std::uint64_t ring = 4096, bool with_mail = true,
                       std::uint64_t capacity = 1 << 20)
      : size_(Queue::bytes_for(ring)),
        memory_(static_cast<std::byte*>(
            mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
        queue_(memory_, ring, std::min(capacity, with_mail ? capacity : ring),
               with_mail ? std::make_unique<Mail>() : nullptr) {}
  ~SharedQueue() { munmap(memory_, size_); }
  SharedQueue(const SharedQueue&) = delete;
  SharedQueue& operator=(const SharedQueue&) = delete;

  Queue& operator*() { return queue_; }
  Queue* operator->() { return &queue_; }
  QueueLayout& layout() { return *reinterpret_cast<QueueLayout*>(memory_); }

 private:
  std::uint64_t size_;
  std::byte* memory_;
  Queue queue_;
};

Outgoing message(const std::string& text) { return {std::as_bytes(std::span(text)), 0, {}}; }

Outcome put(Queue& queue, const std::string& text, Deadline deadline = Deadline::never()) {
  std::size_t done = 0;
  const Outgoing one = message(text);
  return queue.put(this_thread_number(), {&one, 1}, deadline, &done).outcome;
}

std::string text_of(const Incoming& message) {
  return {reinterpret_cast<const char*>(message.bytes.get()), message.size};
}

// What comes next; the outcome in brackets if nothing does.
std::string take(Queue& queue, Deadline deadline = Deadline::never()) {
  std::vector<Incoming> taken;
  const Outcome outcome = queue.take(this_thread_number(), 1, deadline, &taken).outcome;
  if (outcome == Outcome::done) return text_of(taken.at(0));
  return "<" + std::to_string(static_cast<int>(outcome)) + ">";
}

std::string brackets(Outcome outcome) {
  return "<" + std::to_string(static_cast<int>(outcome)) + ">";
}

FileDescriptor file_with(const std::string& text) {
  FileDescriptor file(memfd_create("nativeconc-test", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

std::string content(const FileDescriptor& file) {
  std::string text(100, '\0');
  const ssize_t size = pread(file.get(), text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

Outcome put_file(Queue& queue, const std::string& text, std::uint64_t outside = 100,
                 Deadline deadline = Deadline::never()) {
  const FileDescriptor file = file_with(text);
  const int fd = file.get();
  std::size_t done = 0;
  const Outgoing one{std::as_bytes(std::span(text)), outside, {&fd, 1}};
  return queue.put(this_thread_number(), {&one, 1}, deadline, &done).outcome;
}

std::string take_file(Queue& queue) {
  std::vector<Incoming> taken;
  const auto result = queue.take(this_thread_number(), 1, Deadline::never(), &taken);
  if (result.outcome != Outcome::done) return brackets(result.outcome);
  EXPECT_EQ(taken.at(0).files.size(), 1U);
  if (taken[0].files.empty()) return "no file";
  EXPECT_EQ(content(taken[0].files[0]), text_of(taken[0]));
  return text_of(taken[0]);
}

TEST(SharedQueue, GivesMessagesInTheOrderInWhichTheyWerePut) {
  SharedQueue queue;
  for (const char* text : {"one", "", "three", "a somewhat longer one"}) {
    ASSERT_EQ(put(*queue, text), Outcome::done);
  }
  EXPECT_EQ(queue->size(), 4U);
  for (const char* text : {"one", "", "three", "a somewhat longer one"}) {
    EXPECT_EQ(take(*queue), text);
  }
  EXPECT_EQ(queue->size(), 0U);
  EXPECT_EQ(queue->used_bytes(), 0U);
  EXPECT_EQ(take(*queue, Deadline::expired()), brackets(Outcome::timed_out));
}

TEST(SharedQueue, MessagesGoRoundTheRing) {
  SharedQueue queue(256);
  for (int i = 0; i < 500; ++i) {
    const std::string text(static_cast<std::size_t>(i % 120), static_cast<char>('a' + i % 26));
    ASSERT_EQ(put(*queue, text), Outcome::done);
    ASSERT_EQ(take(*queue), text);
  }
}

TEST(SharedQueue, IsFullWhenItsBytesAreUsedUp) {
  SharedQueue queue(128, false);
  const std::string text(40, 'x');  // 64 bytes with its frame
  EXPECT_EQ(put(*queue, text, Deadline::expired()), Outcome::done);
  EXPECT_EQ(put(*queue, text, Deadline::expired()), Outcome::done);
  EXPECT_EQ(queue->used_bytes(), 128U);
  EXPECT_EQ(put(*queue, "", Deadline::expired()), Outcome::timed_out);
  EXPECT_EQ(take(*queue), text);
  EXPECT_EQ(put(*queue, text, Deadline::expired()), Outcome::done);
  EXPECT_TRUE(queue->could_fit(message(std::string(104, 'x'))));
  EXPECT_FALSE(queue->could_fit(message(std::string(105, 'x'))));
}

TEST(SharedQueue, BytesOutsideTheRingCountToo) {
  SharedQueue queue(4096, true, 1000);
  EXPECT_EQ(put_file(*queue, "one", 900, Deadline::expired()), Outcome::done);
  EXPECT_EQ(put_file(*queue, "two", 100, Deadline::expired()), Outcome::timed_out);
  EXPECT_EQ(put(*queue, "small", Deadline::expired()), Outcome::done);
  EXPECT_EQ(take_file(*queue), "one");
  EXPECT_EQ(put_file(*queue, "two", 900, Deadline::expired()), Outcome::done);
  EXPECT_EQ(take(*queue), "small");
  EXPECT_EQ(take_file(*queue), "two");
}

TEST(SharedQueue, ABatchIsPutAndTakenInOneGo) {
  SharedQueue queue;
  const std::vector<std::string> texts = {"a", "bb", "ccc", "dddd"};
  std::vector<Outgoing> batch;
  for (const std::string& text : texts) batch.push_back(message(text));
  std::size_t done = 0;
  ASSERT_EQ(queue->put(this_thread_number(), batch, Deadline::never(), &done).outcome,
            Outcome::done);
  EXPECT_EQ(done, 4U);
  EXPECT_EQ(queue.layout().producers.ledger.commit(), 1U);
  std::vector<Incoming> taken;
  ASSERT_EQ(queue->take(this_thread_number(), 3, Deadline::never(), &taken).outcome, Outcome::done);
  ASSERT_EQ(queue->take(this_thread_number(), 3, Deadline::never(), &taken).outcome, Outcome::done);
  EXPECT_EQ(queue.layout().consumers.ledger.commit(), 2U);
  ASSERT_EQ(taken.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(text_of(taken[i]), texts[i]);
}

TEST(SharedQueue, ABatchThatIsBiggerThanTheQueueGoesThroughInParts) {
  SharedQueue queue(256, false);
  std::vector<std::string> texts;
  for (int i = 0; i < 50; ++i) texts.push_back(std::to_string(i));
  const pid_t child = start_child([&] {
    std::vector<Outgoing> batch;
    for (const std::string& text : texts) batch.push_back(message(text));
    std::size_t done = 0;
    EXPECT_EQ(queue->put(this_thread_number(), batch, Deadline::never(), &done).outcome,
              Outcome::done);
    EXPECT_EQ(done, 50U);
  });
  for (const std::string& text : texts) EXPECT_EQ(take(*queue), text);
  testing::join_child(child);
}

TEST(SharedQueue, WhatTimedOutHalfwaySaysHowFarItCame) {
  SharedQueue queue(256, false);
  std::vector<Outgoing> batch(20, Outgoing{});
  std::size_t done = 0;
  EXPECT_EQ(queue->put(this_thread_number(), batch, Deadline::after(1'000'000), &done).outcome,
            Outcome::timed_out);
  EXPECT_EQ(done, 10U);
  EXPECT_EQ(queue->size(), 10U);
}

TEST(SharedQueue, AMessageThatIsTooBigForTheCallerStays) {
  SharedQueue queue;
  ASSERT_EQ(put(*queue, "small"), Outcome::done);
  ASSERT_EQ(put(*queue, std::string(100, 'x')), Outcome::done);
  std::vector<Incoming> taken;
  EXPECT_EQ(queue->try_take(this_thread_number(), 9, 50, Deadline::expired(), &taken).outcome,
            Outcome::done);
  EXPECT_EQ(taken.size(), 1U);
  EXPECT_EQ(queue->try_take(this_thread_number(), 9, 50, Deadline::expired(), &taken).outcome,
            Outcome::big);
  EXPECT_EQ(take(*queue), std::string(100, 'x'));
}

TEST(SharedQueue, FilesComeWithTheirMessagesAlsoInABatch) {
  SharedQueue queue;
  ASSERT_EQ(put(*queue, "before"), Outcome::done);
  ASSERT_EQ(put_file(*queue, "one"), Outcome::done);
  ASSERT_EQ(put(*queue, "between"), Outcome::done);
  ASSERT_EQ(put_file(*queue, "two"), Outcome::done);
  std::vector<Incoming> taken;
  ASSERT_EQ(queue->take(this_thread_number(), 9, Deadline::never(), &taken).outcome, Outcome::done);
  ASSERT_EQ(taken.size(), 4U);
  EXPECT_EQ(content(taken[1].files.at(0)), "one");
  EXPECT_EQ(content(taken[3].files.at(0)), "two");
  EXPECT_NE(fcntl(taken[1].files[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(queue->used_bytes(), 0U);
}

TEST(SharedQueue, FilesOutliveTheirSender) {
  SharedQueue queue;
  in_child([&] { ASSERT_EQ(put_file(*queue, "of the dead"), Outcome::done); });
  EXPECT_EQ(take_file(*queue), "of the dead");
}

TEST(SharedQueue, LettersThatNoMessageNamesAreThrownAway) {
  SharedQueue queue;
  // As a producer leaves it that dies after it has posted, and a consumer that dies before it has
  // dropped the letter of what it took.
  const FileDescriptor file = file_with("lost");
  const int fd = file.get();
  int error = 0;
  for (std::uint64_t tag = 1; tag <= 5; ++tag) {
    ASSERT_EQ(queue->mail()->post(tag, {&fd, 1}, &error), Step::done);
  }
  queue.layout().next_tag.store(5);
  ASSERT_EQ(put_file(*queue, "good"), Outcome::done);
  EXPECT_EQ(take_file(*queue), "good");
  std::vector<FileDescriptor> files;
  EXPECT_EQ(queue->mail()->peek(100, &files), 0);
  EXPECT_TRUE(files.empty());
}

TEST(SharedQueue, AMailFullOfLostLettersIsEmptied) {
  SharedQueue queue;
  const FileDescriptor file = file_with("lost");
  const int fd = file.get();
  int error = 0;
  std::uint64_t tag = 0;
  while (queue->mail()->post(++tag, {&fd, 1}, &error) == Step::done) {
  }
  queue.layout().next_tag.store(tag);
  ASSERT_EQ(put_file(*queue, "good", 100, Deadline::after(1'000'000)), Outcome::done);
  EXPECT_EQ(take_file(*queue), "good");
}

TEST(SharedQueue, AFullMailIsAFullQueue) {
  SharedQueue queue(1 << 20);
  int count = 0;
  while (put_file(*queue, std::to_string(count), 1, Deadline::expired()) == Outcome::done) ++count;
  EXPECT_GT(count, 20);
  EXPECT_EQ(take_file(*queue), "0");
  EXPECT_EQ(put_file(*queue, std::to_string(count), 1), Outcome::done);
  for (int i = 1; i <= count; ++i) EXPECT_EQ(take_file(*queue), std::to_string(i));
}

TEST(SharedQueue, WithoutDescriptorsLeftAMessageStays) {
  SharedQueue queue;
  in_child([&] {
    ASSERT_EQ(put_file(*queue, "one"), Outcome::done);
    std::vector<FileDescriptor> all;
    for (;;) {
      FileDescriptor another(dup(0));
      if (!another.is_open()) break;
      all.push_back(std::move(another));
    }
    std::vector<Incoming> taken;
    const auto result = queue->take(this_thread_number(), 1, Deadline::never(), &taken);
    EXPECT_EQ(result.outcome, Outcome::failed);
    EXPECT_EQ(result.error, EMFILE);
    EXPECT_TRUE(taken.empty());
  });
  EXPECT_EQ(queue->size(), 1U);
  EXPECT_EQ(take_file(*queue), "one");
}

TEST(SharedQueue, AConsumerWaitsForAMessage) {
  SharedQueue queue;
  const pid_t child = start_child([&] {
    testing::sleep_ms(30);
    ASSERT_EQ(put(*queue, "at last"), Outcome::done);
  });
  EXPECT_EQ(take(*queue), "at last");
  testing::join_child(child);
}

TEST(SharedQueue, AProducerWaitsForRoom) {
  SharedQueue queue(64, false);
  ASSERT_EQ(put(*queue, std::string(40, 'x')), Outcome::done);
  const pid_t child = start_child([&] {
    testing::sleep_ms(30);
    EXPECT_EQ(take(*queue), std::string(40, 'x'));
  });
  EXPECT_EQ(put(*queue, "second"), Outcome::done);
  EXPECT_EQ(take(*queue), "second");
  testing::join_child(child);
}

TEST(SharedQueue, ASignalEndsAWait) {
  SharedQueue queue;
  const testing::Nudge nudge;
  std::atomic<bool> is_over{false};
  std::string got;
  std::thread thread([&] {
    got = take(*queue);
    is_over = true;
  });
  // One signal may come between two slices.
  while (!is_over) {
    testing::sleep_ms(1);
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
  testing::sleep_ms(30);
  EXPECT_EQ(empty->close(this_thread_number(), Deadline::never()), Outcome::done);
  EXPECT_EQ(full->close(this_thread_number(), Deadline::never()), Outcome::done);
  for (const pid_t child : children) testing::join_child(child);
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
  testing::kill_child(child);
  EXPECT_EQ(put(*queue, "x"), Outcome::done);
  EXPECT_EQ(take(*queue), "there");
  EXPECT_EQ(take(*queue), "x");
}

TEST(SharedQueue, ManyProducersAndConsumersLoseAndDoubleNothing) {
  SharedQueue queue(1000 / 8 * 8);
  constexpr int kProducers = 3;
  constexpr int kEach = 200 * testing::kScale;
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
  for (const pid_t child : children) testing::join_child(child);
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
