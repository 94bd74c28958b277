// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/chain_set.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <unordered_set>

namespace nativeconc::deadlock {
namespace {

TEST(ChainSet, ContainsWhatWasInserted) {
  ChainSet set(100);
  EXPECT_FALSE(set.contains(7));
  set.insert(7);
  set.insert(7);
  EXPECT_TRUE(set.contains(7));
  EXPECT_FALSE(set.contains(8));
  EXPECT_EQ(set.size(), 1U);
}

TEST(ChainSet, ZeroIsAKeyLikeAnyOther) {
  ChainSet set(2);
  EXPECT_FALSE(set.contains(0));
  set.insert(0);
  EXPECT_TRUE(set.contains(0));
  EXPECT_EQ(set.size(), 1U);
  set.insert(1);
  set.insert(2);
  EXPECT_FALSE(set.contains(0));
  EXPECT_TRUE(set.contains(2));
}

TEST(ChainSet, ForgetsEverythingWhenItIsFull) {
  constexpr std::uint64_t kMax = 1000;
  ChainSet set(kMax);
  for (std::uint64_t key = 1; key <= kMax; ++key) set.insert(key);
  for (std::uint64_t key = 1; key <= kMax; ++key) ASSERT_TRUE(set.contains(key));
  EXPECT_EQ(set.size(), kMax);
  set.insert(kMax);
  EXPECT_EQ(set.size(), kMax);
  set.insert(kMax + 1);
  EXPECT_EQ(set.size(), 1U);
  EXPECT_TRUE(set.contains(kMax + 1));
  EXPECT_FALSE(set.contains(1));
}

TEST(ChainSet, OneWithoutRoomStaysEmpty) {
  ChainSet set(0);
  set.insert(0);
  set.insert(5);
  EXPECT_EQ(set.size(), 0U);
  EXPECT_FALSE(set.contains(0));
  EXPECT_FALSE(set.contains(5));
}

TEST(ChainSet, AgreesWithTheStandardSet) {
  constexpr std::size_t kMax = 500;
  std::mt19937_64 random(1);
  ChainSet set(kMax);
  std::unordered_set<std::uint64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    // Few low bits, few high bits, or all: bad keys for a hash that looks at some of them alone.
    std::uint64_t key = random();
    if (i % 3 == 0) key %= 700;
    if (i % 3 == 1) key <<= 54;
    ASSERT_EQ(set.contains(key), model.contains(key));
    if (random() % 2 == 0) continue;
    if (!model.contains(key) && model.size() == kMax) model.clear();
    model.insert(key);
    set.insert(key);
    ASSERT_EQ(set.size(), model.size());
  }
  for (const std::uint64_t key : model) ASSERT_TRUE(set.contains(key));
}

TEST(ChainSet, CanBeClearedAndUsedAgain) {
  ChainSet set(10);
  for (std::uint64_t key = 0; key < 10; ++key) set.insert(key);
  set.clear();
  EXPECT_EQ(set.size(), 0U);
  for (std::uint64_t key = 0; key < 10; ++key) EXPECT_FALSE(set.contains(key));
  set.insert(3);
  EXPECT_TRUE(set.contains(3));
  EXPECT_EQ(set.size(), 1U);
}

}  // namespace
}  // namespace nativeconc::deadlock
