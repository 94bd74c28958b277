// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The producers and consumers of the model: the loops of Queue::put and Queue::take around the
// ends, and what is asked of every end: is each message there exactly once, whole, and in order,
// but for those in the hands of the dead? Do those that live get to their ends, without a wake-up
// being lost? Does the queue still work?
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "queue_world.hpp"

namespace nativeconc::shared::queue_model {

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

}  // namespace nativeconc::shared::queue_model
