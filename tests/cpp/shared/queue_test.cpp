// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Queues between processes: what comes out, and what does not fit.
#include "nativeconc/shared/queue.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <string>
#include <vector>

#include "queue_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using namespace nativeconc::testing;

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
  join_child(child);
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

}  // namespace
}  // namespace nativeconc::shared
