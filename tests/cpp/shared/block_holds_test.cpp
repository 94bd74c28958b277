// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/block_holds.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "arena_support.hpp"
#include "peer.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::create_arena;
using testing::Peer;

FileDescriptor own_file(const Segment& segment) { return reopen(segment.fd(), Access::read_write); }

TEST(BlockHolds, GivesEachSlotOnceAndThenForbidsReuse) {
  const auto arena = create_arena();
  const BlockHolds& holds = arena->holds();
  std::vector<FileDescriptor> files;
  std::set<int> slots;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    files.push_back(own_file(*arena));
    slots.insert(holds.claim_slot(files.back().get()));
  }
  EXPECT_EQ(slots.size(), kMaxSlots);
  EXPECT_FALSE(slots.contains(kNoSlot));
  EXPECT_FALSE(holds.is_held(0));
  const FileDescriptor late = own_file(*arena);
  EXPECT_EQ(holds.claim_slot(late.get()), kNoSlot);
  EXPECT_TRUE(holds.is_held(0)) << "nobody knows what the late one holds";
}

TEST(BlockHolds, ASlotThatWasGivenBackIsFreeAgain) {
  const auto arena = create_arena();
  for (std::uint32_t i = 0; i < 3 * kMaxSlots; ++i) {
    const FileDescriptor file = own_file(*arena);
    const int slot = arena->holds().claim_slot(file.get());
    ASSERT_NE(slot, kNoSlot);
    arena->holds().give_back_slot(slot);
  }
}

TEST(BlockHolds, AClaimWithoutALockIsFreeAndItsRowIsEmptied) {
  const auto arena = create_arena();
  for (std::uint32_t i = 0; i < 3 * kMaxSlots; ++i) {
    const FileDescriptor file = own_file(*arena);  // closed as by a process that died
    const int slot = arena->holds().claim_slot(file.get());
    ASSERT_NE(slot, kNoSlot);
    if (i < kMaxSlots) arena->holds().set(slot, 7);
  }
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    const FileDescriptor file = own_file(*arena);
    EXPECT_NE(arena->holds().claim_slot(file.get()), kNoSlot);
  }
  EXPECT_TRUE(arena->holds().is_held(7)) << "nobody has looked at the others' rows yet";
  arena->holds().forget_the_dead(arena->fd());
  EXPECT_FALSE(arena->holds().is_held(7));
}

TEST(BlockHolds, EachBitIsItsOwn) {
  const auto arena = create_arena(200);
  const BlockHolds& holds = arena->holds();
  std::vector<FileDescriptor> files;
  for (int slot = 0; slot < 5; ++slot) {
    files.push_back(own_file(*arena));
    ASSERT_EQ(holds.claim_slot(files.back().get()), slot);
  }
  std::mt19937 random(5);
  std::set<std::pair<std::uint32_t, int>> expected;
  for (int step = 0; step < 2000; ++step) {
    const int slot = static_cast<int>(random() % 5);
    const auto block = static_cast<std::uint32_t>(random() % 200);
    if (random() % 2 == 0) {
      holds.set(slot, block);
      expected.insert({block, slot});
    } else {
      holds.clear(slot, block);
      expected.erase({block, slot});
    }
    const auto asked = static_cast<std::uint32_t>(random() % 200);
    const auto first = expected.lower_bound({asked, 0});
    ASSERT_EQ(holds.is_held(asked), first != expected.end() && first->first == asked);
  }
}

TEST(BlockHolds, TheRowOfAProcessCountsWhileItLives) {
  const auto arena = create_arena();
  Peer peer([&arena](const Peer& self) {
    const FileDescriptor file = own_file(*arena);
    const int slot = arena->holds().claim_slot(file.get());
    arena->holds().set(slot, 3);
    self.stop();
    return 0;
  });
  ASSERT_TRUE(peer.wait_for_stop());
  arena->holds().forget_the_dead(arena->fd());
  EXPECT_TRUE(arena->holds().is_held(3));
  EXPECT_FALSE(arena->holds().is_held(4));
  peer.kill_now();
  EXPECT_TRUE(arena->holds().is_held(3)) << "that it died is not known yet";
  arena->holds().forget_the_dead(arena->fd());
  EXPECT_FALSE(arena->holds().is_held(3));
}

TEST(BlockHolds, AForkedChildThatSharesTheOpenFileKeepsTheRow) {
  const auto arena = create_arena();
  FileDescriptor file = own_file(*arena);
  const int slot = arena->holds().claim_slot(file.get());
  arena->holds().set(slot, 3);
  Peer peer([](const Peer& self) {
    self.stop();
    return 0;
  });
  ASSERT_TRUE(peer.wait_for_stop());
  file.close();
  arena->holds().forget_the_dead(arena->fd());
  EXPECT_TRUE(arena->holds().is_held(3));
  peer.kill_now();
  arena->holds().forget_the_dead(arena->fd());
  EXPECT_FALSE(arena->holds().is_held(3));
}

// Threads play the processes. What is in a block is read and written without any other order than
// that of the protocol, so that TSan would see where it gives none.
TEST(BlockHolds, NoBlockChangesWhileSomebodyHoldsIt) {
  constexpr int kReceivers = 3;
  const auto arena = create_arena(1);
  const BlockHolds& holds = arena->holds();
  auto* const content = reinterpret_cast<volatile std::uint32_t*>(arena->block(0));
  std::atomic<std::uint32_t> sent{0};  // the generation in the last handle
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> held{0};
  std::atomic<std::uint64_t> changed{0};
  std::uint32_t given = 0;

  const auto give_out = [&] {
    // On a busy machine the others may come late.
    for (std::int64_t round = 0; round < 20'000 * nativeconc::testing::kScale || held < 100;
         ++round) {
      const std::uint32_t before = holds.generation(0).fetch_add(1);
      if (holds.is_held(0)) {
        holds.generation(0).store(before);
        continue;
      }
      *content = before + 1;
      ++given;
      sent.store(before + 1);
    }
    is_over = true;
  };
  const auto receive = [&] {
    const FileDescriptor file = own_file(*arena);
    const int slot = holds.claim_slot(file.get());
    while (!is_over) {
      const std::uint32_t handle = sent.load();
      if (handle == 0) continue;
      holds.set(slot, 0);
      if (holds.generation(0).load() == handle) {
        ++held;
        for (int look = 0; look < 20; ++look) changed += *content == handle ? 0 : 1;
      }
      holds.clear(slot, 0);
    }
  };
  nativeconc::testing::run_threads(1 + kReceivers, [&](int i) {
    if (i == 0) {
      give_out();
    } else {
      receive();
    }
  });
  EXPECT_EQ(changed, 0u);
  EXPECT_GT(held, 0u);
  EXPECT_GT(given, 0u);
}

}  // namespace
}  // namespace nativeconc::shared
