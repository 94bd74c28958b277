// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/arena.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "arena_support.hpp"
#include "peer.hpp"

namespace nativeconc::shared {
namespace {

using testing::another_view;
using testing::create_arena;
using testing::Peer;

constexpr std::int64_t kNoBlock = -1;

// What another process has of an arena.
struct Receiver {
  explicit Receiver(const Segment& owner) : segment(another_view(owner)), arena(*segment, false) {}
  std::unique_ptr<Segment> segment;
  Arena arena;
};

std::uint32_t take(Arena& arena) {
  bool is_fresh = false;
  const std::int64_t block = arena.take(&is_fresh);
  EXPECT_NE(block, kNoBlock);
  return static_cast<std::uint32_t>(block);
}

std::set<std::uint32_t> take_all(Arena& arena) {
  std::set<std::uint32_t> taken;
  bool is_fresh = false;
  for (;;) {
    const std::int64_t block = arena.take(&is_fresh);
    if (block == kNoBlock) return taken;
    EXPECT_TRUE(taken.insert(static_cast<std::uint32_t>(block)).second) << "given out twice";
  }
}

void release_all(Arena& arena, const std::set<std::uint32_t>& blocks) {
  for (const std::uint32_t block : blocks) arena.release(block);
}

TEST(ArenaClass, IsTheSmallestThatFits) {
  for (std::uint64_t size = 0; size <= Arena::kMaxBlock; ++size) {
    const int size_class = Arena::class_of(size);
    ASSERT_TRUE(size_class >= 0 && size_class < Arena::kClasses) << size;
    ASSERT_LE(size, Arena::class_size(size_class));
    ASSERT_TRUE(size_class == 0 || size > Arena::class_size(size_class - 1)) << size;
  }
}

TEST(ArenaClass, WastesLessThanACacheLineOrAFifth) {
  for (std::uint64_t size = 1; size <= Arena::kMaxBlock; ++size) {
    const std::uint64_t waste = Arena::class_size(Arena::class_of(size)) - size;
    ASSERT_TRUE(waste < 64 || waste * 5 <= Arena::class_size(Arena::class_of(size))) << size;
  }
}

TEST(ArenaClass, HasSizesThatKeepDataAligned) {
  for (int size_class = 0; size_class < Arena::kClasses; ++size_class) {
    EXPECT_EQ(Arena::class_size(size_class) % 64, 0u);
    EXPECT_EQ(Arena::class_of(Arena::class_size(size_class)), size_class);
  }
  EXPECT_EQ(Arena::class_size(Arena::kClasses - 1), Arena::kMaxBlock);
}

TEST(ArenaClass, PlansGrowWithWhatThereIsUpToALimit) {
  for (int size_class = 0; size_class < Arena::kClasses; ++size_class) {
    std::uint32_t before = 0;
    for (const std::uint64_t blocks : {0, 100, 5000, 1 << 30}) {
      const SegmentPlan plan = Arena::plan(size_class, blocks);
      EXPECT_EQ(plan.block_size, Arena::class_size(size_class));
      EXPECT_GE(plan.block_count, std::max(before, 1u));
      EXPECT_LE(plan.block_count * plan.block_size, 64u << 20);
      before = plan.block_count;
    }
  }
}

TEST(Arena, GivesOutEachBlockOnceAndFreshOnlyTheFirstTime) {
  const auto segment = create_arena();
  Arena arena(*segment, true);
  bool is_fresh = false;
  const auto first = static_cast<std::uint32_t>(arena.take(&is_fresh));
  EXPECT_TRUE(is_fresh);
  EXPECT_EQ(take_all(arena).size(), 99u);
  EXPECT_FALSE(arena.is_unused());
  const std::uint32_t generation = arena.generation(first);
  arena.release(first);
  EXPECT_EQ(arena.take(&is_fresh), first);
  EXPECT_FALSE(is_fresh);
  EXPECT_NE(arena.generation(first), generation);
}

TEST(Arena, BlocksThatAreHeldElsewhereAreGivenOutOnlyWhenTheyAreBack) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  Receiver receiver(*segment);
  const std::uint32_t block = take(owner);
  ASSERT_TRUE(receiver.arena.hold(block, owner.generation(block)));
  ASSERT_TRUE(receiver.arena.hold(block, owner.generation(block))) << "twice, then";
  owner.release(block);
  const std::set<std::uint32_t> others = take_all(owner);
  EXPECT_EQ(others.size(), 99u);
  EXPECT_FALSE(others.contains(block));
  receiver.arena.release(block);
  owner.reclaim();
  EXPECT_TRUE(take_all(owner).empty());
  receiver.arena.release(block);
  owner.reclaim();
  EXPECT_EQ(take_all(owner), std::set<std::uint32_t>{block});
}

TEST(Arena, BlocksOfAProcessThatDiedComeBack) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  const std::uint32_t block = take(owner);
  Peer peer([&](const Peer& self) {
    Receiver receiver(*segment);
    if (!receiver.arena.hold(block, owner.generation(block))) return 1;
    self.stop();
    return 0;
  });
  ASSERT_TRUE(peer.wait_for_stop());
  owner.release(block);
  owner.reclaim();
  const std::set<std::uint32_t> others = take_all(owner);
  EXPECT_FALSE(others.contains(block));
  peer.kill_now();
  owner.reclaim();
  EXPECT_EQ(take_all(owner), std::set<std::uint32_t>{block});
}

TEST(Arena, AHandleOfAnEarlierUseIsRefusedAndHoldsNothing) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  Receiver receiver(*segment);
  const std::uint32_t block = take(owner);
  const std::uint32_t generation = owner.generation(block);
  owner.release(block);
  ASSERT_EQ(take(owner), block);
  EXPECT_FALSE(receiver.arena.hold(block, generation));
  EXPECT_FALSE(receiver.arena.hold(segment->header().block_count, generation));
  EXPECT_FALSE(owner.hold(block, generation));
  EXPECT_TRUE(receiver.arena.is_unused());
  owner.release(block);
  EXPECT_TRUE(take_all(owner).contains(block));
}

TEST(Arena, AHandleThatIsSentOnIsGoodWhateverTheOwnerAsksMeanwhile) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  Receiver first(*segment);
  Receiver second(*segment);
  const std::uint32_t block = take(owner);
  const std::uint32_t generation = owner.generation(block);
  owner.release(block);
  // Received late, but before the block was given out again.
  ASSERT_TRUE(first.arena.hold(block, generation));
  EXPECT_FALSE(take_all(owner).contains(block));
  EXPECT_EQ(first.arena.generation(block), generation);
  EXPECT_TRUE(second.arena.hold(block, generation));
  first.arena.release(block);
  owner.reclaim();
  EXPECT_TRUE(take_all(owner).empty());
  EXPECT_FALSE(first.arena.hold(block, generation + 1)) << "nobody ever sent this";
}

TEST(Arena, AHandleThatComesBackToTheOwnerIsGood) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  Receiver receiver(*segment);
  const std::uint32_t block = take(owner);
  const std::uint32_t generation = owner.generation(block);
  ASSERT_TRUE(receiver.arena.hold(block, generation));
  owner.release(block);
  ASSERT_TRUE(owner.hold(block, generation));
  EXPECT_EQ(owner.generation(block), generation);
  receiver.arena.release(block);
  owner.reclaim();
  EXPECT_FALSE(take_all(owner).contains(block)) << "the owner itself holds it";
  owner.release(block);
  owner.reclaim();
  EXPECT_EQ(take_all(owner), std::set<std::uint32_t>{block});
  EXPECT_FALSE(owner.hold(block + 1, 0));
}

TEST(Arena, AnyNumberOfReceiversMayComeAndGo) {
  const auto segment = create_arena(300);
  Arena owner(*segment, true);
  for (std::uint32_t i = 0; i < 3 * kMaxSlots; ++i) {
    Receiver receiver(*segment);
    const std::uint32_t block = take(owner);
    ASSERT_TRUE(receiver.arena.hold(block, owner.generation(block)));
    owner.release(block);
    receiver.arena.release(block);
  }
  owner.reclaim();
  EXPECT_EQ(take_all(owner).size(), 300u) << "all of them can still be used";
}

TEST(Arena, WithMoreReceiversThanSlotsNothingIsGivenOutAgain) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  const std::uint32_t block = take(owner);
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (std::uint32_t i = 0; i <= kMaxSlots; ++i) {
    receivers.push_back(std::make_unique<Receiver>(*segment));
    ASSERT_TRUE(receivers.back()->arena.hold(block, owner.generation(block)));
  }
  owner.release(block);
  for (const auto& receiver : receivers) receiver->arena.release(block);
  receivers.clear();
  owner.reclaim();
  EXPECT_FALSE(take_all(owner).contains(block));
}

TEST(Arena, AForkThatFailedCostsNothing) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  for (std::uint32_t i = 0; i < 3 * kMaxSlots; ++i) {
    const std::uint32_t block = take(owner);
    EXPECT_NE(owner.prepare_child(), kNoSlot);
    owner.settle_in_parent();
    owner.release(block);
    owner.reclaim();
  }
  EXPECT_EQ(take_all(owner).size(), 100u);
}

TEST(Arena, AForkWhileNothingIsHeldNeedsNoSlot) {
  const auto segment = create_arena();
  Arena owner(*segment, true);
  EXPECT_EQ(owner.prepare_child(), kNoSlot);
  owner.settle_in_parent();
  release_all(owner, take_all(owner));
  EXPECT_TRUE(owner.is_unused());
  EXPECT_EQ(take_all(owner).size(), 100u);
}

}  // namespace
}  // namespace nativeconc::shared
