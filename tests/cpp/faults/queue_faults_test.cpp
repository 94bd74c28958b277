// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Producers and consumers of a queue that die between any two steps: nothing is to be repaired, and
// nothing is lost but what was in their hands.
#include <memory>
#include <string>
#include <vector>

#include "every_fault.hpp"
#include "shared/queue_support.hpp"

namespace nativeconc::shared {
namespace {

using namespace nativeconc::testing;

constexpr std::uint64_t kRing = 256;

// What a queue lies in; the queue over it, with its mail, is made anew in each round.
struct QueueMemory {
  QueueLayout layout{};
  std::array<std::byte, kRing> ring{};
};

std::unique_ptr<Queue> queue;

void begin(QueueMemory& memory) {
  auto* const bytes = reinterpret_cast<std::byte*>(&memory);
  Queue::begin(bytes, 1 << 20);
  queue = std::make_unique<Queue>(bytes, kRing, std::make_unique<Mail>());
}

// Everything that is in the queue; the files of those that begin with "file" must be theirs.
std::vector<std::string> drain() {
  std::vector<std::string> texts;
  std::vector<Incoming> taken;
  while (queue->take(this_thread_number(), 1, Deadline::after(1'000'000), &taken).outcome ==
         Outcome::done) {
    const Incoming& message = taken.back();
    texts.push_back(text_of(message));
    EXPECT_EQ(message.has_files, texts.back().starts_with("file"));
    EXPECT_EQ(message.files.size(), message.has_files ? 1U : 0U);
    if (!message.files.empty()) {
      EXPECT_EQ(content(message.files[0]), texts.back());
    }
  }
  EXPECT_EQ(queue->size(), 0U);
  EXPECT_EQ(queue->used_bytes(), 0U);
  return texts;
}

void expect_it_works() {
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(put_file(*queue, "file again"), Outcome::done);
    ASSERT_EQ(put(*queue, "again"), Outcome::done);
    EXPECT_EQ(drain(), (std::vector<std::string>{"file again", "again"}));
  }
  std::vector<FileDescriptor> files;
  EXPECT_EQ(queue->mail()->peek(~std::uint64_t{0}, &files), 0);
  EXPECT_TRUE(files.empty()) << "a letter is left";
}

void put_batch(const std::vector<std::string>& texts) {
  const FileDescriptor file = file_with("file");
  const int fd = file.get();
  std::vector<Outgoing> batch;
  for (const std::string& text : texts) {
    batch.push_back(message(text));
    if (text == "file") batch.back() = {std::as_bytes(std::span(text)), 4, {&fd, 1}};
  }
  std::size_t done = 0;
  EXPECT_EQ(queue->put(this_thread_number(), batch, Deadline::never(), &done).outcome,
            Outcome::done);
}

TEST(QueueFaults, AProducerThatDiesHasPutAllOfItOrNothing) {
  const int points = die_at_every_fault_point<QueueMemory>(
      [](QueueMemory& memory) {
        begin(memory);
        ASSERT_EQ(put(*queue, "before"), Outcome::done);
      },
      [](QueueMemory&) { put_batch({"one", "file", "two"}); },
      [](QueueMemory&, Fate fate) {
        ASSERT_EQ(put(*queue, "after"), Outcome::done);
        const std::vector<std::string> texts = drain();
        const std::vector<std::string> all = {"before", "one", "file", "two", "after"};
        const std::vector<std::string> none = {"before", "after"};
        EXPECT_TRUE(texts == all || (fate == Fate::died && texts == none)) << texts.size();
        expect_it_works();
      });
  EXPECT_GE(points, 8);
}

TEST(QueueFaults, AConsumerThatDiesHasTakenInOrderAndNoMoreThanItsBatch) {
  const int points = die_at_every_fault_point<QueueMemory>(
      [](QueueMemory& memory) {
        begin(memory);
        put_batch({"one", "file", "two", "three"});
      },
      [](QueueMemory&) {
        std::vector<Incoming> taken;
        EXPECT_EQ(queue->take(this_thread_number(), 3, Deadline::never(), &taken).outcome,
                  Outcome::done);
      },
      [](QueueMemory&, Fate fate) {
        const std::vector<std::string> all = {"one", "file", "two", "three"};
        const std::vector<std::string> texts = drain();
        ASSERT_LE(texts.size(), all.size());
        ASSERT_GE(texts.size(), 1U);
        EXPECT_TRUE(std::equal(texts.rbegin(), texts.rend(), all.rbegin()));
        if (fate == Fate::survived) {
          EXPECT_EQ(texts.size(), 1U);
        }
        expect_it_works();
      });
  EXPECT_GE(points, 6);
}

TEST(QueueFaults, WhoWaitsGoesOnAlthoughWhoeverWasToWakeItDied) {
  for (int n = 0; n < 20; ++n) {
    SCOPED_TRACE(n);
    Shared<QueueMemory> memory;
    begin(*memory);
    const pid_t waiter = start_child([] { EXPECT_EQ(take(*queue), "it"); });
    sleep_ms(5);
    const Fate fate =
        fate_of(start_doomed_child(n, [] { EXPECT_EQ(put(*queue, "it"), Outcome::done); }));
    if (queue->size() == 0 && fate == Fate::died) {
      // Not put; or put and taken already, and then this one stays.
      EXPECT_EQ(put(*queue, "it"), Outcome::done);
    }
    join_child(waiter);
    if (fate == Fate::survived) return;
  }
  FAIL() << "it dies for ever";
}

TEST(QueueFaults, WhoClosesAndDiesHasClosedOrNot) {
  const int points = die_at_every_fault_point<QueueMemory>(
      [](QueueMemory& memory) { begin(memory); },
      [](QueueMemory&) {
        EXPECT_EQ(queue->close(this_thread_number(), Deadline::never()), Outcome::done);
      },
      [](QueueMemory&, Fate fate) {
        if (fate == Fate::survived) {
          EXPECT_TRUE(queue->is_closed());
        }
        const Outcome outcome = put(*queue, "late");
        EXPECT_EQ(outcome, queue->is_closed() ? Outcome::closed : Outcome::done);
      });
  EXPECT_GE(points, 2);
}

}  // namespace
}  // namespace nativeconc::shared
