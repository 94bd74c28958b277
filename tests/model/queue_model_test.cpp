// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of a few producers and consumers of a queue, through the very ledgers, bells and
// ends that shared::Queue uses, with a death before every step.
//
// Here are: a mutex that whoever comes next takes from the dead, as RobustMutex is; a mail whose
// letters outlive their senders; and the loops of Queue::put and Queue::take around the ends. Asked
// is, of every end: is each message there exactly once, whole, and in order, but for those in the
// hands of the dead? Do those that live get to their ends, without a wake-up being lost? Does the
// queue still work?
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explorer.hpp"
#include "nativeconc/shared/bell.hpp"
#include "nativeconc/shared/byte_ring.hpp"
#include "nativeconc/shared/ledger.hpp"
#include "nativeconc/shared/queue_ends.hpp"

namespace nativeconc::shared {
namespace {

using model::Explorer;

constexpr std::size_t kNobodyHas = ~std::size_t{0};
constexpr std::uint64_t kRing = 88;  // two messages; the third goes round

// --- what is shared

struct ModelFutex {
  static os::FutexResult sleep(const model::Atomic<std::uint32_t>& word, std::uint32_t expected,
                               Deadline) {
    Explorer::step();
    Explorer::note(word.peek());
    if (word.peek() == expected) Explorer::sleep(&word);
    return os::FutexResult::woken;
  }
  static bool wake_one(const model::Atomic<std::uint32_t>& word) {
    Explorer::step();
    const bool is_woken = Explorer::wake_one(&word);
    Explorer::note(is_woken ? 1 : 0);
    return is_woken;
  }
  static void wake_all(const model::Atomic<std::uint32_t>& word) {
    Explorer::step();
    while (Explorer::wake_one(&word)) {
    }
  }
};

struct ModelMutex {
  std::size_t owner = kNobodyHas;

  void lock() {
    Explorer::step_when([this] { return owner == kNobodyHas || Explorer::is_dead(owner); });
    owner = Explorer::self();
  }
  bool try_lock() {
    Explorer::step();
    const bool is_free = owner == kNobodyHas || Explorer::is_dead(owner);
    Explorer::note(is_free ? 1 : 0);
    if (is_free) owner = Explorer::self();
    return is_free;
  }
  void unlock() {
    Explorer::step();
    owner = kNobodyHas;
  }
};

struct ModelSide {
  ModelMutex mutex;
  BasicBell<model::Atomic, ModelFutex> bell;
  BasicLedger<model::Atomic> ledger;
};

struct ModelLayout {
  ModelSide producers;
  ModelSide consumers;
  model::Atomic<std::uint64_t> next_tag;
  model::Atomic<std::uint32_t> closed;
};

struct Letter {
  std::uint64_t tag;
  int file;
};

struct World {
  ModelLayout layout;
  std::array<std::byte, kRing> bytes{};
  std::deque<Letter> mail;

  std::string content() const {
    std::string text(reinterpret_cast<const char*>(&layout), sizeof layout);
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const Letter& letter : mail) {
      text.append(reinterpret_cast<const char*>(&letter), sizeof letter);
    }
    return text;
  }
};

// Made anew for each run, over zeroed bytes: padding is part of the content.
class Worlds {
 public:
  World& fresh() {
    if (world_ != nullptr) world_->~World();
    std::memset(storage_, 0, sizeof storage_);
    return *(world_ = new (storage_) World());
  }
  World& operator*() const { return *world_; }
  World* operator->() const { return world_; }
  ~Worlds() {
    if (world_ != nullptr) world_->~World();
  }

 private:
  alignas(World) unsigned char storage_[sizeof(World)];
  World* world_ = nullptr;
};

// Copying is one step: half a copy is as good as none to whoever reads too early, and as bad.
struct ModelRing {
  World* world;

  std::uint64_t size() const { return kRing; }
  void write(std::uint64_t position, std::span<const std::byte> bytes) const {
    if (bytes.empty()) return;
    Explorer::step();
    ByteRing(world->bytes.data(), kRing).write(position, bytes);
  }
  void read(std::uint64_t position, std::span<std::byte> bytes) const {
    if (bytes.empty()) return;
    Explorer::step();
    ByteRing(world->bytes.data(), kRing).read(position, bytes);
    for (const std::byte byte : bytes) Explorer::note(static_cast<std::uint64_t>(byte));
  }
};

struct ModelMail {
  World* world;
  std::size_t room;
  mutable int got = 0;  // the file that the last peek() found

  Step post(std::uint64_t tag, std::span<const int> files, int*) const {
    Explorer::step();
    Explorer::note(world->mail.size());
    if (world->mail.size() == room) return Step::full;
    world->mail.push_back({tag, files[0]});
    return Step::done;
  }
  int peek(std::uint64_t tag, std::vector<FileDescriptor>*) const {
    got = 0;
    for (;;) {
      const std::optional<Letter> first = look();
      if (!first || first->tag > tag) return 0;
      if (first->tag == tag) {
        got = first->file;
        return 0;
      }
      discard_first();
    }
  }
  void drop(std::uint64_t tag) const {
    for (;;) {
      const std::optional<Letter> first = look();
      if (!first || first->tag > tag) return;
      discard_first();
    }
  }

 private:
  std::optional<Letter> look() const {
    Explorer::step();
    Explorer::note(world->mail.empty() ? 0 : world->mail.front().tag);
    if (world->mail.empty()) return std::nullopt;
    return world->mail.front();
  }
  void discard_first() const {
    Explorer::step();
    ASSERT_FALSE(world->mail.empty()) << Explorer::path();
    world->mail.pop_front();
  }
};

using Ends = QueueEnds<ModelLayout, ModelRing, ModelMail>;

// --- the actors

struct Program {
  std::vector<std::vector<int>> producers;  // what each puts, in one batch; numbers from 1
  std::vector<int> consumers;               // how many messages each takes
  std::size_t batch = 1;                    // as many in one go at most
  std::vector<int> with_file{};             // which messages have one
  std::size_t mail_room = 8;
  int deaths = 0;
  bool closes = false;  // an actor of its own closes the queue at some time
};

constexpr std::size_t kSizeOfMessage = 9;

class QueueModel {
 public:
  explicit QueueModel(Program program) : program_(std::move(program)) {}

  std::size_t run() {
    Explorer::Setup setup;
    for (std::size_t i = 0; i < program_.producers.size(); ++i) {
      setup.actors.emplace_back([this, i] { produce(i); });
    }
    for (std::size_t i = 0; i < program_.consumers.size(); ++i) {
      setup.actors.emplace_back([this, i] { consume(i); });
    }
    if (program_.closes) setup.actors.emplace_back([this] { close(); });
    setup.reset = [this] { reset(); };
    setup.content = [this] { return world_->content() + outcome_; };
    setup.check_end = [this] { check_end(); };
    setup.deaths = program_.deaths;
    return Explorer::run(std::move(setup));
  }

 private:
  void reset() {
    world_.fresh();
    taken_.assign(program_.consumers.size(), {});
    returned_.clear();
    outcome_.clear();
  }

  Ends ends() {
    // The mail's `got` is each actor's own.
    mails_.push_back(std::make_unique<ModelMail>(ModelMail{&*world_, program_.mail_room}));
    if (mails_.size() > 64) mails_.pop_front();
    return {world_->layout, ModelRing{&*world_}, 1 << 20, mails_.back().get()};
  }

  bool has_file(int message) const {
    return std::find(program_.with_file.begin(), program_.with_file.end(), message) !=
           program_.with_file.end();
  }

  // As Queue::put does.
  void produce(std::size_t index) {
    const std::vector<int>& mine = program_.producers[index];
    std::vector<std::array<std::byte, kSizeOfMessage>> bytes(mine.size());
    std::vector<Outgoing> messages;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      bytes[i].fill(static_cast<std::byte>(mine[i]));
      messages.push_back({bytes[i], 0, {}});
      if (has_file(mine[i])) messages.back().files = {&mine[i], 1};
    }
    ModelLayout& shared = world_->layout;
    Ends ends = this->ends();
    std::size_t done = 0;
    while (done < messages.size()) {
      Explorer::checkpoint(done);
      const std::uint64_t commit = shared.consumers.ledger.commit();
      const auto rest = std::span<const Outgoing>(messages).subspan(done);
      std::size_t some = 0;
      int error = 0;
      shared.producers.mutex.lock();
      Step step = ends.put(rest, &some, &error);
      if (step == Step::full && some == 0 && make_room_in_mail(ends, rest[0])) {
        step = ends.put(rest, &some, &error);
      }
      shared.producers.mutex.unlock();
      Explorer::checkpoint(1000 + done * 100 + some * 10 + (step == Step::done ? 0 : 1) +
                           10000 * commit);
      if (some > 0) shared.producers.bell.ring(some);
      for (std::size_t i = 0; i < some; ++i) note_returned(mine[done + i]);
      done += some;
      if (step == Step::closed) return;
      ASSERT_NE(step, Step::failed);
      if (step == Step::full) {
        const auto has_changed = [&] { return shared.consumers.ledger.commit() != commit; };
        if (!has_changed() && shared.closed.load() == 0) {
          static_cast<void>(shared.consumers.bell.sleep(
              [&] { return has_changed() || shared.closed.load() != 0; }, Deadline::never()));
        }
      }
    }
  }

  bool make_room_in_mail(Ends& ends, const Outgoing& next) {
    ModelLayout& shared = world_->layout;
    if (next.files.empty()) return false;
    const Passed mine = shared.producers.ledger.current();
    const Passed theirs = shared.consumers.ledger.read();
    if (mine.messages != theirs.messages || !ends.fits(mine, theirs, next)) return false;
    if (!shared.consumers.mutex.try_lock()) return false;
    ends.purge_mail();
    shared.consumers.mutex.unlock();
    return true;
  }

  // As Queue::take does.
  void consume(std::size_t index) {
    ModelLayout& shared = world_->layout;
    Ends ends = this->ends();
    int left = program_.consumers[index];
    while (left > 0) {
      Explorer::checkpoint(static_cast<std::uint64_t>(left));
      const std::uint64_t commit = shared.producers.ledger.commit();
      std::vector<Incoming> taken;
      int error = 0;
      shared.consumers.mutex.lock();
      const std::size_t most = std::min(program_.batch, static_cast<std::size_t>(left));
      const Step step = ends.take(most, 100, &taken, &error);
      shared.consumers.mutex.unlock();
      Explorer::checkpoint(1000 + static_cast<std::uint64_t>(left) * 100 + taken.size() * 10 +
                           (step == Step::done ? 0 : 1) + 10000 * commit);
      if (!taken.empty()) shared.consumers.bell.ring(taken.size());
      ASSERT_EQ(error, 0);
      for (const Incoming& message : taken) deliver(index, message, ends.mail->got);
      left -= static_cast<int>(taken.size());
      if (taken.empty() && step == Step::closed) return;
      if (taken.empty()) {
        ASSERT_EQ(step, Step::empty);
        const auto has_changed = [&] { return shared.producers.ledger.commit() != commit; };
        if (!has_changed() && shared.closed.load() == 0) {
          static_cast<void>(shared.producers.bell.sleep(
              [&] { return has_changed() || shared.closed.load() != 0; }, Deadline::never()));
        }
      }
    }
  }

  void close() {
    ModelLayout& shared = world_->layout;
    shared.producers.mutex.lock();
    shared.closed.store(1);
    shared.producers.mutex.unlock();
    shared.producers.bell.ring_for_all();
    shared.consumers.bell.ring_for_all();
  }

  // --- what came of it: not shared, but part of the state

  void note_returned(int message) {
    returned_.push_back(message);
    outcome_ += "p" + std::to_string(message);
    std::sort(returned_.begin(), returned_.end());
  }

  void deliver(std::size_t consumer, const Incoming& message, int file) {
    ASSERT_EQ(message.size, kSizeOfMessage) << Explorer::path();
    const int number = static_cast<int>(message.bytes[0]);
    for (std::size_t i = 0; i < message.size; ++i) {
      ASSERT_EQ(static_cast<int>(message.bytes[i]), number) << "torn: " << Explorer::path();
    }
    ASSERT_EQ(message.has_files, has_file(number)) << Explorer::path();
    if (message.has_files) {
      ASSERT_EQ(file, number) << "another file: " << Explorer::path();
    }
    taken_[consumer].push_back(number);
    outcome_ += "c" + std::to_string(consumer) + ":" + std::to_string(number);
  }

  void check_end() {
    const std::size_t n_producers = program_.producers.size();
    // What is still in the queue, a new consumer finds.
    std::vector<int> all;
    for (const std::vector<int>& mine : taken_) {
      check_order(mine);
      all.insert(all.end(), mine.begin(), mine.end());
    }
    Ends ends = this->ends();
    std::vector<Incoming> rest;
    int error = 0;
    for (;;) {
      const std::size_t before = rest.size();
      const Step step = ends.take(1, 100, &rest, &error);
      if (rest.size() == before) {
        ASSERT_TRUE(step == Step::empty || step == Step::closed) << Explorer::path();
        break;
      }
      const int number = static_cast<int>(rest.back().bytes[0]);
      if (has_file(number)) {
        ASSERT_EQ(ends.mail->got, number) << Explorer::path();
      }
      all.push_back(number);
    }
    std::sort(all.begin(), all.end());
    ASSERT_TRUE(std::adjacent_find(all.begin(), all.end()) == all.end())
        << "doubled: " << Explorer::path();
    std::size_t in_dead_hands = 0;
    for (std::size_t i = 0; i < program_.consumers.size(); ++i) {
      if (Explorer::is_dead(n_producers + i)) in_dead_hands += program_.batch;
    }
    std::size_t lost = 0;
    for (const int message : returned_) {
      if (!std::binary_search(all.begin(), all.end(), message)) ++lost;
    }
    ASSERT_LE(lost, in_dead_hands) << "lost: " << Explorer::path();
    for (const int message : all) ASSERT_TRUE(is_put_by_somebody(message)) << Explorer::path();
    check_that_it_works(ends);
  }

  // Of one producer, a consumer gets the messages in their order.
  void check_order(const std::vector<int>& taken) const {
    for (const std::vector<int>& put : program_.producers) {
      std::size_t at = 0;
      for (const int message : taken) {
        const auto found = std::find(put.begin(), put.end(), message);
        if (found == put.end()) continue;
        const auto place = static_cast<std::size_t>(found - put.begin());
        ASSERT_GE(place, at) << "out of order: " << Explorer::path();
        at = place;
      }
    }
  }

  bool is_put_by_somebody(int message) const {
    return std::any_of(program_.producers.begin(), program_.producers.end(),
                       [message](const auto& put) {
                         return std::find(put.begin(), put.end(), message) != put.end();
                       });
  }

  void check_that_it_works(Ends& ends) {
    if (world_->layout.closed.peek() != 0) return;
    const std::array<std::byte, 5> bytes{};
    const int file = 77;
    const Outgoing message{bytes, 0, {&file, 1}};
    std::size_t done = 0;
    int error = 0;
    if (ends.put({&message, 1}, &done, &error) == Step::full) {
      ends.purge_mail();
      ASSERT_EQ(ends.put({&message, 1}, &done, &error), Step::done) << Explorer::path();
    }
    std::vector<Incoming> taken;
    ASSERT_EQ(ends.take(1, 100, &taken, &error), Step::done) << Explorer::path();
    ASSERT_EQ(ends.mail->got, 77) << Explorer::path();
    ASSERT_TRUE(world_->mail.empty()) << Explorer::path();
  }

  Program program_;
  Worlds world_;
  std::deque<std::unique_ptr<ModelMail>> mails_;
  std::vector<std::vector<int>> taken_;
  std::vector<int> returned_;
  std::string outcome_;
};

std::size_t explore(Program program) {
  const std::size_t states = QueueModel(std::move(program)).run();
  ::testing::Test::RecordProperty("states", std::to_string(states));
  return states;
}

class QueueModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!model::kCanExplore) GTEST_SKIP() << "sanitizers cannot follow stacks that are switched";
  }
};

TEST_F(QueueModelTest, OneProducerAndOneConsumerNobodyDies) {
  EXPECT_GT(explore({.producers = {{1, 2, 3}}, .consumers = {3}, .with_file = {2}}), 1000U);
}

TEST_F(QueueModelTest, TwoProducersAndOneConsumerNobodyDies) {
  EXPECT_GT(explore({.producers = {{1}, {2}}, .consumers = {2}}), 1000U);
}

TEST_F(QueueModelTest, OneProducerAndTwoConsumersNobodyDies) {
  EXPECT_GT(explore({.producers = {{1, 2}}, .consumers = {1, 1}}), 1000U);
}

// These take minutes: in long runs alone.
TEST_F(QueueModelTest, TwoProducersAndTwoConsumersNobodyDies) {
  if (getenv("NATIVECONC_STRESS") == nullptr) GTEST_SKIP() << "long runs alone (NATIVECONC_STRESS)";
  EXPECT_GT(explore({.producers = {{1}, {2}}, .consumers = {1, 1}}), 1000U);
}

TEST_F(QueueModelTest, TwoProducersAndTwoConsumersOfWhomOneDies) {
  if (getenv("NATIVECONC_STRESS") == nullptr) GTEST_SKIP() << "long runs alone (NATIVECONC_STRESS)";
  EXPECT_GT(explore({.producers = {{1}, {2}}, .consumers = {1, 1}, .with_file = {1}, .deaths = 1}),
            1000U);
}

TEST_F(QueueModelTest, AProducerDies) {
  EXPECT_GT(explore({.producers = {{1}, {2}}, .consumers = {}, .with_file = {1, 2}, .deaths = 1}),
            500U);
}

TEST_F(QueueModelTest, ProducersOrTheConsumerDie) {
  EXPECT_GT(explore({.producers = {{1}}, .consumers = {1}, .with_file = {1}, .deaths = 2}), 1000U);
}

TEST_F(QueueModelTest, ConsumersDieWithMessagesThatHaveFiles) {
  EXPECT_GT(explore({.producers = {{1, 2}}, .consumers = {1, 1}, .with_file = {1, 2}, .deaths = 1}),
            1000U);
}

TEST_F(QueueModelTest, ABatchOfAConsumerThatDies) {
  EXPECT_GT(
      explore({.producers = {{1, 2}}, .consumers = {2}, .batch = 2, .with_file = {2}, .deaths = 1}),
      1000U);
}

TEST_F(QueueModelTest, AMailWithoutRoom) {
  EXPECT_GT(explore({.producers = {{1}, {2}},
                     .consumers = {2},
                     .with_file = {1, 2},
                     .mail_room = 1,
                     .deaths = 1}),
            1000U);
}

TEST_F(QueueModelTest, TheQueueIsClosedAtAnyTime) {
  EXPECT_GT(explore({.producers = {{1, 2}}, .consumers = {2}, .closes = true}), 1000U);
}

}  // namespace
}  // namespace nativeconc::shared
