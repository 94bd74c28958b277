// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Every schedule of a few producers and consumers of a queue, with a death before every step.
#include "queue_model.hpp"

#include <gtest/gtest.h>

namespace nativeconc::shared::queue_model {
namespace {

std::size_t explore(Program program) {
  const std::size_t states = QueueModel(std::move(program)).run();
  ::testing::Test::RecordProperty("states", std::to_string(states));
  return states;
}

class QueueModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fibers::kCanExplore) GTEST_SKIP() << "sanitizers cannot follow stacks that are switched";
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

TEST_F(QueueModelTest, AMailWithoutRoom) {
  if (getenv("NATIVECONC_STRESS") == nullptr) GTEST_SKIP() << "long runs alone (NATIVECONC_STRESS)";
  EXPECT_GT(explore({.producers = {{1}, {2}},
                     .consumers = {2},
                     .with_file = {1, 2},
                     .mail_room = 1,
                     .deaths = 1}),
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

TEST_F(QueueModelTest, TheQueueIsClosedAtAnyTime) {
  EXPECT_GT(explore({.producers = {{1, 2}}, .consumers = {2}, .closes = true}), 1000U);
}

}  // namespace
}  // namespace nativeconc::shared::queue_model
