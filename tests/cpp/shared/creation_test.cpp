// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/creation.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "arena_support.hpp"
#include "named_file_support.hpp"
#include "peer.hpp"

namespace nativeconc::shared {
namespace {

using testing::create;
using testing::exists;
using testing::fault_of;
using testing::make_published;
using testing::Name;
using testing::open_files;
using testing::shared_mappings;

SegmentPlan buffer_of(std::uint64_t size, std::string_view meta = "") {
  SegmentPlan plan;
  plan.block_size = size;
  plan.meta = meta;
  return plan;
}

TEST(Creation, MakesExactlyTheSizeAskedForOfAlignedZeroes) {
  for (const std::uint64_t size : {0, 1, 63, 4095, 4096, 4097, 1'000'001}) {
    const auto segment = create(buffer_of(size));
    EXPECT_EQ(segment->header().size, size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(segment->block(0)) % 64, 0u);
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    EXPECT_TRUE(std::all_of(segment->block(0), segment->block(0) + size, is_zero));
    std::memset(segment->block(0), 0x5a, size);
  }
}

TEST(Creation, BlocksOfAnArenaLieApart) {
  const auto segment = testing::create_arena(300);
  for (std::uint32_t block = 0; block < 300; ++block) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(segment->block(block)) % 64, 0u);
    std::memset(segment->block(block), static_cast<int>(block % 251), 64);
  }
  for (std::uint32_t block = 0; block < 300; ++block) {
    EXPECT_EQ(static_cast<std::uint32_t>(segment->block(block)[63]), block % 251);
  }
  EXPECT_FALSE(segment->holds().is_held(299));
}

TEST(Creation, WhatItMakesIsAcceptedByWhoOpensIt) {
  const std::string meta = "float64 (10, 10)";
  for (const bool huge_pages : {false, true}) {
    CreationOptions options;
    options.huge_pages = huge_pages;
    options.prefault = true;
    const auto segment = create(buffer_of(800, meta), options);
    std::string read_meta;
    const SegmentHeader header = read_header(segment->fd(), "it", &read_meta);
    EXPECT_EQ(read_meta, meta);
    EXPECT_EQ(header.size, 800u);
    EXPECT_EQ(header.id, segment->header().id);
    EXPECT_EQ(header.creator_pid, getpid());
    EXPECT_GT(header.created_ns, 0);
  }
}

TEST(Creation, HugePagesAlignTheDataInMemory) {
  CreationOptions options;
  options.huge_pages = true;
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{5} << 20}) {
    const int before = shared_mappings();
    {
      const auto segment = create(buffer_of(size), options);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(segment->block(0)) % (2 << 20), 0u);
      std::memset(segment->block(0), 1, size);
    }
    EXPECT_EQ(shared_mappings(), before);
  }
}

TEST(Creation, AnonymousMemoryIsSealedAndPrivate) {
  const auto segment = create(buffer_of(100));
  const int seals = fcntl(segment->fd(), F_GET_SEALS);
  for (const int seal : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL}) EXPECT_NE(seals & seal, 0);
  EXPECT_NE(ftruncate(segment->fd(), 0), 0);
  struct stat status{};
  ASSERT_EQ(fstat(segment->fd(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_NE(fcntl(segment->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Creation, AllPagesAreReserved) {
  for (const bool huge_pages : {false, true}) {
    CreationOptions options;
    options.huge_pages = huge_pages;
    constexpr std::uint64_t kSize = 40 << 20;  // more than one step
    const auto segment = create(buffer_of(kSize), options);
    struct stat status{};
    ASSERT_EQ(fstat(segment->fd(), &status), 0);
    EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, kSize);
  }
}

TEST(Creation, WhatIsTooBigIsFullAtOnce) {
  const Name name;
  const std::ptrdiff_t files = open_files();
  for (const std::uint64_t size :
       {std::uint64_t{1} << 45, kMaxSize, kMaxSize + 1, std::uint64_t{1} << 63,
        ~std::uint64_t{0} - 4096, ~std::uint64_t{0}}) {
    EXPECT_EQ(fault_of([&] { Creation(buffer_of(size), {}); }), SharedFault::full) << size;
    EXPECT_EQ(fault_of([&] { Creation(buffer_of(size), {name.text(), false, false}); }),
              SharedFault::full);
    EXPECT_EQ(fault_of([&] { Creation(buffer_of(size), {"", true, false}); }), SharedFault::full);
  }
  EXPECT_EQ(open_files(), files);
  EXPECT_FALSE(exists(name));
}

TEST(Creation, OneThatIsDroppedLeavesNothing) {
  const Name name;
  const std::ptrdiff_t files = open_files();
  const int mappings = shared_mappings();
  for (const bool named : {false, true}) {
    for (const bool huge_pages : {false, true}) {
      for (int steps = 0; steps < 3; ++steps) {
        Creation creation(buffer_of(80 << 20), {named ? name.text() : "", huge_pages, true});
        for (int step = 0; step < steps; ++step) EXPECT_TRUE(creation.step());
        EXPECT_FALSE(exists(name));
      }
    }
  }
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(shared_mappings(), mappings);
  EXPECT_FALSE(exists(name));
}

TEST(Creation, ANameIsThereFromTheLastStepToTheEndOfItsHolders) {
  const Name name;
  std::optional<Creation> creation(std::in_place, buffer_of(100),
                                   CreationOptions{name.text(), false, false});
  while (creation->step()) {
  }
  EXPECT_FALSE(exists(name));
  auto segment = creation->finish();
  creation.reset();
  EXPECT_TRUE(exists(name));
  EXPECT_EQ(fault_of([&] { Creation(buffer_of(1), {name.text(), false, false}); }),
            SharedFault::exists);
  segment.reset();
  EXPECT_FALSE(exists(name));
}

TEST(Creation, OneThatComesTooLateForItsNameIsToldSo) {
  const Name name;
  Creation creation(buffer_of(100), {name.text(), false, false});
  while (creation.step()) {
  }
  const FileDescriptor quicker = make_published(name);
  EXPECT_EQ(fault_of([&] { creation.finish(); }), SharedFault::exists);
  EXPECT_TRUE(open_held(name, Access::read_write).file.is_open());
}

TEST(Creation, ABadNameIsAnInvalidArgument) {
  EXPECT_THROW(Creation(buffer_of(100), {"a/b", false, false}), std::invalid_argument);
}

TEST(Creation, WhoMayOnlyReadCannotMapForWriting) {
  const Name name;
  const auto segment = create(buffer_of(5000), {name.text(), false, false});
  std::memset(segment->block(0), 7, 5000);
  const Segment reader(open_held(name, Access::read_only), Access::read_only, name.text());
  EXPECT_EQ(reader.block(0)[4999], std::byte{7});
  void* const page = reader.block(0);
  EXPECT_NE(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader.fd(), 0), MAP_FAILED);
  EXPECT_LT(write(reader.fd(), "x", 1), 0);
  segment->block(0)[4999] = std::byte{8};
  EXPECT_EQ(reader.block(0)[4999], std::byte{8}) << "it is the same memory";
}

}  // namespace
}  // namespace nativeconc::shared
