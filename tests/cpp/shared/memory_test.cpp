// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "arena_support.hpp"
#include "memory_support.hpp"
#include "named_file_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::create;
using testing::exists;
using testing::fault_of;
using testing::fill;
using testing::is_filled;
using testing::memory;
using testing::Name;
using testing::open_files;
using testing::shared_mappings;

class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    memory().trim();
    files_ = open_files();
    mappings_ = shared_mappings();
  }
  // Nothing may be left, whatever a test did.
  void TearDown() override {
    memory().trim();
    EXPECT_EQ(open_files(), files_);
    EXPECT_EQ(shared_mappings(), mappings_);
  }

 private:
  std::ptrdiff_t files_ = 0;
  int mappings_ = 0;
};

TEST_F(MemoryTest, ABlockHasTheSizeAskedForAndItsOwnBytes) {
  std::vector<Lease> leases;
  for (std::uint64_t size = 0; size <= Arena::kMaxBlock; size += 1 + size / 3) {
    leases.push_back(memory().take_block(size, true));
    EXPECT_EQ(leases.back().size, size);
    EXPECT_TRUE(is_filled(leases.back(), 0));
    fill(leases.back(), static_cast<int>(leases.size()));
  }
  for (std::size_t i = 0; i < leases.size(); ++i) {
    EXPECT_TRUE(is_filled(leases[i], static_cast<int>(i) + 1));
    memory().release(leases[i]);
  }
}

TEST_F(MemoryTest, WhatIsTooBigForABlockGetsNone) {
  EXPECT_EQ(memory().take_block(Arena::kMaxBlock + 1, true).segment, nullptr);
}

TEST_F(MemoryTest, AUsedBlockIsZeroedIfThatIsWanted) {
  const Lease keep = memory().take_block(300, false);
  const Lease dirty = memory().take_block(300, false);
  fill(dirty, 9);
  memory().release(dirty);
  const Lease again = memory().take_block(300, true);
  ASSERT_EQ(again.data, dirty.data);
  EXPECT_TRUE(is_filled(again, 0));
  memory().release(again);
  memory().release(keep);
}

TEST_F(MemoryTest, ManySmallBlocksTakeFewFiles) {
  const std::ptrdiff_t files = open_files();
  std::vector<Lease> leases;
  for (int i = 0; i < 20'000; ++i) leases.push_back(memory().take_block(100, false));
  EXPECT_LE(open_files() - files, 10);
  for (const Lease& lease : leases) memory().release(lease);
}

TEST_F(MemoryTest, AnUnusedArenaIsKeptForTheNextBlock) {
  memory().release(memory().take_block(100, false));
  const std::ptrdiff_t files = open_files();
  memory().release(memory().take_block(100, false));
  EXPECT_EQ(open_files(), files);
}

TEST_F(MemoryTest, ThreadsNeverShareABlock) {
  constexpr int kRounds = 3000 * nativeconc::testing::kScale;
  nativeconc::testing::run_threads(4, [](int thread) {
    std::mt19937 random(static_cast<unsigned>(thread));
    std::array<Lease, 40> leases{};
    std::array<int, 40> contents{};
    for (int round = 0; round < kRounds; ++round) {
      const auto i = static_cast<std::size_t>(random() % leases.size());
      Lease& lease = leases.at(i);
      if (lease.segment != nullptr) {
        ASSERT_TRUE(is_filled(lease, contents.at(i)));
        memory().release(lease);
        lease = {};
        continue;
      }
      const std::uint64_t size = random() % (std::uint64_t{1} << (random() % 17)) + random() % 2;
      const bool zeroed = random() % 2 == 0;
      lease = random() % 200 == 0
                  ? memory().add(create({SegmentKind::buffer, size, 1, 0, "", 4096}))
                  : memory().take_block(size, zeroed);
      ASSERT_EQ(lease.size, size);
      ASSERT_TRUE(!zeroed || is_filled(lease, 0));
      contents.at(i) = static_cast<int>(random() % 250) + 1;
      fill(lease, contents.at(i));
      if (random() % 500 == 0) memory().trim();
    }
    for (const Lease& lease : leases) {
      if (lease.segment != nullptr) memory().release(lease);
    }
  });
}

TEST_F(MemoryTest, AHandleFindsWhatThisProcessHas) {
  const Lease block = memory().take_block(100, false);
  const Lease plain = memory().add(create({SegmentKind::buffer, 100'000, 1, 0, "", 4096}));
  for (const Lease& lease : {block, plain}) {
    const Handle handle = memory().send(lease);
    EXPECT_FALSE(Memory::arrived(lease, handle));
    EXPECT_FALSE(was_received(lease.segment->fd(), handle));
    const Lease same = memory().receive(handle, Access::read_write);
    EXPECT_EQ(same.data, lease.data);
    EXPECT_EQ(same.size, lease.size);
    EXPECT_TRUE(Memory::arrived(lease, handle));
    EXPECT_TRUE(was_received(lease.segment->fd(), handle));
    memory().release(lease);
    fill(same, 3);
    EXPECT_TRUE(is_filled(same, 3)) << "each lease keeps it";
    memory().release(same);
  }
}

TEST_F(MemoryTest, AHandleThatArrivesTwiceTakesNoOthersPlace) {
  const Lease lease = memory().take_block(100, false);
  const Handle first = memory().send(lease);
  memory().release(memory().receive(first, Access::read_write));
  std::vector<Handle> others;
  for (int i = 0; i < 16; ++i) others.push_back(memory().send(lease));
  memory().release(memory().receive(first, Access::read_write));
  for (const Handle& other : others) EXPECT_FALSE(Memory::arrived(lease, other));
  EXPECT_TRUE(Memory::arrived(lease, first));
  memory().release(lease);
}

TEST_F(MemoryTest, EachOfManyHandlesArrivesForItself) {
  const Lease lease = memory().take_block(100, false);
  std::vector<Handle> handles;
  for (int i = 0; i < 16; ++i) handles.push_back(memory().send(lease));
  const Handle one_too_many = memory().send(lease);
  EXPECT_EQ(one_too_many.flight, -1) << "whether it arrives cannot be told";
  std::set<int> flights;
  for (const Handle& handle : handles) {
    EXPECT_TRUE(flights.insert(handle.flight).second);
    memory().release(memory().receive(handle, Access::read_write));
    for (const Handle& other : handles) {
      EXPECT_EQ(Memory::arrived(lease, other), flights.contains(other.flight));
    }
  }
  memory().release(memory().receive(one_too_many, Access::read_write));
  EXPECT_FALSE(Memory::arrived(lease, one_too_many));
  memory().release(lease);
}

TEST_F(MemoryTest, AHandleOfWhatIsGivenOutAnewIsNotFound) {
  const Lease keep = memory().take_block(100, false);
  const Lease lease = memory().take_block(100, false);
  const Handle handle = memory().send(lease);
  memory().release(lease);
  const Lease next = memory().take_block(100, false);
  ASSERT_EQ(next.data, lease.data);
  EXPECT_EQ(fault_of([&] { memory().receive(handle, Access::read_write); }),
            SharedFault::not_found);
  EXPECT_EQ(fault_of([&] {
              memory().receive(handle, Access::read_write,
                               reopen(keep.segment->fd(), Access::read_write));
            }),
            SharedFault::not_found);
  memory().release(next);
  memory().release(keep);
}

TEST_F(MemoryTest, AHandleOfASegmentThatIsNotHereHasNoLease) {
  const Lease lease = memory().add(create({SegmentKind::buffer, 100, 1, 0, "", 4096}));
  const Handle handle = memory().send(lease);
  memory().release(lease);
  EXPECT_EQ(memory().receive(handle, Access::read_write).segment, nullptr);
}

TEST_F(MemoryTest, AHandleThatDoesNotFitIsRefused) {
  const Lease block = memory().take_block(100, false);
  const Lease plain = memory().add(create({SegmentKind::buffer, 1000, 1, 0, "", 4096}));
  const auto fault = [](Handle handle, const Lease& lease, Access access = Access::read_write) {
    const FileDescriptor probe = reopen(lease.segment->fd(), Access::read_write);
    return fault_of([&] { memory().receive(handle, access, reopen(probe.get(), access)); });
  };
  Handle handle = memory().send(block);
  handle.size = Arena::class_size(Arena::class_of(100)) + 1;
  EXPECT_EQ(fault(handle, block), SharedFault::damaged);
  handle = memory().send(block);
  handle.block = ~std::uint32_t{0};
  EXPECT_EQ(fault(handle, block), SharedFault::not_found);
  handle = memory().send(block);
  EXPECT_EQ(fault(handle, plain), SharedFault::not_found) << "another segment's file";
  EXPECT_EQ(fault(handle, block, Access::read_only), SharedFault::damaged);
  handle = memory().send(plain);
  handle.size = 999;
  EXPECT_EQ(fault(handle, plain), SharedFault::damaged);
  handle = memory().send(plain);
  handle.block = 1;
  EXPECT_EQ(fault(handle, plain), SharedFault::damaged);
  EXPECT_FALSE(was_received(plain.segment->fd(), handle));
  memory().release(block);
  memory().release(plain);
}

TEST_F(MemoryTest, ANameLivesAsLongAsALease) {
  const Name name;
  const Lease first = memory().add(
      create({SegmentKind::buffer, 1000, 1, 0, "", 4096}, {name.text(), false, false}));
  fill(first, 5);
  const Lease second = memory().open(name, Access::read_write);
  EXPECT_EQ(second.segment, first.segment);
  const Lease reader = memory().open(name, Access::read_only);
  EXPECT_NE(reader.segment, first.segment);
  EXPECT_TRUE(is_filled(reader, 5));
  memory().release(first);
  memory().release(second);
  EXPECT_TRUE(exists(name));
  const Handle handle = memory().send(reader);
  EXPECT_NE(handle.flight, -1) << "who may only read can still say that it sent";
  const Lease by_name = memory().receive(handle, Access::read_write, name);
  EXPECT_TRUE(is_filled(by_name, 5));
  EXPECT_TRUE(Memory::arrived(reader, handle));
  memory().release(reader);
  memory().release(by_name);
  EXPECT_FALSE(exists(name));
  EXPECT_EQ(fault_of([&] { memory().open(name, Access::read_write); }), SharedFault::not_found);
}

TEST_F(MemoryTest, AHandleByNameMeansThatSegmentAndNoOtherOfItsName) {
  const Name name;
  const auto make = [&name] {
    return memory().add(
        create({SegmentKind::buffer, 1000, 1, 0, "", 4096}, {name.text(), false, false}));
  };
  const Lease first = make();
  const Handle handle = memory().send(first);
  memory().release(first);
  const Lease second = make();
  EXPECT_EQ(fault_of([&] { memory().receive(handle, Access::read_write, name); }),
            SharedFault::not_found);
  memory().release(second);
  EXPECT_FALSE(exists(name));
}

TEST_F(MemoryTest, ThreadsThatOpenOneNameGetOneSegment) {
  for (int round = 0; round < 30 * nativeconc::testing::kScale; ++round) {
    const Name name;
    const Lease made = memory().add(
        create({SegmentKind::buffer, 1000, 1, 0, "", 4096}, {name.text(), false, false}));
    nativeconc::testing::run_threads(4, [&](int i) {
      const Lease lease = memory().open(name, i == 0 ? Access::read_write : Access::read_only);
      EXPECT_EQ(lease.segment == made.segment, i == 0);
      memory().release(lease);
    });
    memory().release(made);
    EXPECT_FALSE(exists(name));
  }
}

TEST_F(MemoryTest, LeavingNamesKeepsTheMemory) {
  const Name name;
  const Lease lease = memory().add(
      create({SegmentKind::buffer, 1000, 1, 0, "", 4096}, {name.text(), false, false}));
  fill(lease, 6);
  memory().leave_names();
  EXPECT_FALSE(exists(name));
  EXPECT_TRUE(is_filled(lease, 6));
  fill(lease, 7);
  EXPECT_TRUE(is_filled(lease, 7));
  memory().release(lease);
}

}  // namespace
}  // namespace nativeconc::shared
