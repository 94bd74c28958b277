// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/segment_header.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "nativeconc/shared/arena.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

constexpr int kTrials = 60'000 * testing::kScale;

using Bytes = std::array<std::byte, sizeof(SegmentHeader)>;
__extension__ using Wide = unsigned __int128;

Bytes bytes_of(const SegmentHeader& header) {
  Bytes bytes;
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::string fault_of(const SegmentHeader& header, std::uint64_t file_size) {
  SegmentHeader read;
  return parse_header(bytes_of(header), file_size, &read);
}

std::string fault_of(const SegmentHeader& header) { return fault_of(header, header.file_size); }

// Whether each part lies in the file and none overlaps another, reckoned with room to spare.
bool is_sound(const SegmentHeader& h, std::uint64_t file_size) {
  const Wide words = (Wide{h.block_count} + 63) / 64;
  struct Part {
    Wide begin;
    Wide size;
  };
  std::vector<Part> parts = {{0, sizeof(SegmentHeader)},
                             {kArenaState, sizeof(ArenaState)},
                             {h.blocks_offset, Wide{h.block_count} * sizeof(BlockState)},
                             {h.holds_offset, words * 8 * h.slot_count},
                             {h.meta_offset, h.meta_size},
                             {h.data_offset, Wide{h.block_count} * h.block_size}};
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.begin < b.begin; });
  Wide end = 0;
  for (const Part& part : parts) {
    if (part.size == 0) continue;
    if (part.begin < end) return false;
    end = part.begin + part.size;
  }
  return end <= file_size && h.data_offset <= file_size && h.slot_count <= 64 &&
         h.block_count > 0 && h.blocks_offset % alignof(BlockState) == 0 &&
         h.holds_offset % alignof(std::atomic<std::uint64_t>) == 0 && h.data_offset % 4096 == 0;
}

std::vector<SegmentPlan> some_plans() {
  std::vector<SegmentPlan> plans;
  static const std::string meta(5000, 'm');
  for (const std::uint64_t size : {0, 1, 4095, 4096, 4097, 1 << 20}) {
    for (const std::size_t meta_size : {0, 1, 63, 4000, 5000}) {
      for (const std::uint64_t alignment : {4096, 2 << 20}) {
        SegmentPlan plan;
        plan.kind = meta_size > 0 ? SegmentKind::array : SegmentKind::buffer;
        plan.block_size = size;
        plan.meta = std::string_view(meta).substr(0, meta_size);
        plan.data_alignment = alignment;
        plans.push_back(plan);
      }
    }
  }
  for (int size_class = 0; size_class < Arena::kClasses; ++size_class) {
    for (const std::uint64_t blocks : {0, 3000, 1 << 30}) {
      plans.push_back(Arena::plan(size_class, blocks));
    }
  }
  plans.push_back({SegmentKind::buffer, kMaxSize, 1, 0, {}, 4096});
  plans.push_back({SegmentKind::arena, kMaxSize / kMaxBlocks, kMaxBlocks, kMaxSlots, {}, 4096});
  return plans;
}

TEST(SegmentHeader, WhatIsPlannedIsAcceptedAndHoldsAllItsParts) {
  for (const SegmentPlan& plan : some_plans()) {
    SegmentHeader header = plan_header(plan);
    header.checksum = checksum_of(header, plan.meta);
    EXPECT_EQ(fault_of(header), "");
    EXPECT_EQ(check_sum(header, plan.meta), "");
    EXPECT_TRUE(is_sound(header, header.file_size));
    EXPECT_EQ(header.size, plan.block_size * plan.block_count) << "exactly what was asked for";
    EXPECT_EQ(header.data_offset % plan.data_alignment, 0u);
    EXPECT_EQ(header.file_size % 4096, 0u);
  }
}

TEST(SegmentHeader, AnotherMagicOrVersionIsSaidToBeSo) {
  const SegmentHeader good = plan_header({});
  SegmentHeader other = good;
  ++other.magic;
  EXPECT_NE(fault_of(other), fault_of(good));
  SegmentHeader later = good;
  ++later.version;
  EXPECT_NE(fault_of(later), fault_of(good));
  EXPECT_NE(fault_of(later), fault_of(other));
}

TEST(SegmentHeader, AFileOfAnotherSizeIsRefused) {
  for (const SegmentPlan& plan : some_plans()) {
    const SegmentHeader header = plan_header(plan);
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{sizeof(SegmentHeader)},
          header.data_offset, header.file_size - 1, header.file_size + 1,
          header.file_size + 4096}) {
      if (size == header.file_size) continue;
      EXPECT_NE(fault_of(header, size), "");
    }
  }
}

TEST(SegmentHeader, EveryByteOfHeaderAndMetaCountsForTheChecksum) {
  const std::string meta = "float64 (3, 4)";
  SegmentHeader header = plan_header({SegmentKind::array, 96, 1, 0, meta, 4096});
  header.checksum = checksum_of(header, meta);
  for (std::size_t i = 0; i < sizeof header; ++i) {
    Bytes bytes = bytes_of(header);
    bytes.at(i) ^= std::byte{16};
    SegmentHeader changed;
    std::memcpy(&changed, bytes.data(), sizeof changed);
    EXPECT_NE(check_sum(changed, meta), "") << "byte " << i;
  }
  for (std::size_t i = 0; i < meta.size(); ++i) {
    std::string changed = meta;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_NE(check_sum(header, changed), "") << "meta byte " << i;
  }
}

TEST(SegmentHeader, RandomBytesAreRefused) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < kTrials; ++trial) {
    Bytes bytes;
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    SegmentHeader header;
    const std::uint64_t file_size = random() >> (random() % 64);
    EXPECT_NE(parse_header(bytes, file_size, &header), "");
    // The same behind the right magic and version, so that the other checks see it.
    const std::uint64_t magic = SegmentHeader::kMagic;
    std::memcpy(bytes.data(), &magic, sizeof magic);
    std::memcpy(bytes.data() + 8, &SegmentHeader::kVersion, sizeof SegmentHeader::kVersion);
    EXPECT_NE(parse_header(bytes, file_size, &header), "");
  }
}

// Changes headers a little, with the checksum made right again.
class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void change(SegmentHeader* h) {
    switch (below(11)) {
      case 0:
        return change(h, &h->size);
      case 1:
        return change(h, &h->file_size);
      case 2:
        return change(h, &h->data_offset);
      case 3:
        return change(h, &h->block_size);
      case 4:
        return change(h, &h->block_count);
      case 5:
        return change(h, &h->slot_count);
      case 6:
        return change(h, &h->blocks_offset);
      case 7:
        return change(h, &h->holds_offset);
      case 8:
        return change(h, &h->meta_offset);
      case 9:
        return change(h, &h->meta_size);
      default:
        h->kind = static_cast<SegmentKind>(below(5));
    }
  }

 private:
  template <class Field>
  void change(const SegmentHeader* h, Field* field) {
    *field = static_cast<Field>(value(*h, *field));
  }

  std::uint64_t value(const SegmentHeader& h, std::uint64_t now) {
    const std::uint64_t near = 64 * (below(9) - 4);
    switch (below(8)) {
      case 0:
        return random_() >> below(64);
      case 1:
        return (std::uint64_t{1} << below(64)) + near;
      case 2:
        return (std::uint64_t{1} << below(64)) + below(3) - 1;
      case 3:
        return std::array{h.size,          h.file_size,    h.data_offset, h.block_size,
                          h.blocks_offset, h.holds_offset, h.meta_offset, h.meta_size}
                   .at(below(8)) +
               near;
      case 4:
        return now + near * 64;
      case 5:
        return now + below(5) - 2;
      case 6:
        return now * below(4);
      default:
        return now + near;
    }
  }

  std::mt19937_64 random_;
};

TEST(SegmentHeader, WhateverIsAcceptedLiesWithinItsFile) {
  const std::vector<SegmentPlan> plans = some_plans();
  Mutator mutator(2);
  int accepted = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    SegmentHeader header = plan_header(plans.at(mutator.below(plans.size())));
    for (std::uint64_t i = mutator.below(4); i > 0; --i) mutator.change(&header);
    // What multiplies to the same size, wrapped round or not, gets past more checks.
    if (mutator.below(2) == 0) header.size = header.block_size * header.block_count;
    const std::uint64_t file_size = mutator.below(8) == 0 ? header.size : header.file_size;
    SegmentHeader read;
    if (!parse_header(bytes_of(header), file_size, &read).empty()) continue;
    ++accepted;
    ASSERT_TRUE(is_sound(read, file_size)) << "trial " << trial;
  }
  EXPECT_GT(accepted, kTrials / 10) << "most were refused at the first check: this shows little";
  EXPECT_LT(accepted, kTrials * 9 / 10);
}

TEST(SegmentHeader, SizesThatWrapRoundAreRefused) {
  SegmentHeader header = plan_header({SegmentKind::arena, 64, 1024, 64, {}, 4096});
  header.block_count = 1 << 16;
  header.block_size = std::uint64_t{1} << 48;  // 2^64 in all
  header.size = 0;
  EXPECT_NE(fault_of(header), "");

  header = plan_header({SegmentKind::buffer, 64, 1, 0, {}, 4096});
  header.data_offset = ~std::uint64_t{4095};
  header.size = header.block_size = 8192;
  EXPECT_NE(fault_of(header), "");

  header = plan_header({SegmentKind::arena, 64, 1024, 64, {}, 4096});
  header.block_count = ~std::uint32_t{0};
  header.size = header.block_size * header.block_count;
  EXPECT_NE(fault_of(header), "");
}

TEST(SegmentHeader, IdsDiffer) { EXPECT_NE(make_segment_id(), make_segment_id()); }

}  // namespace
}  // namespace nativeconc::shared
