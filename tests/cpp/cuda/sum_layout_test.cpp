// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc_cuda/sum_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace nativeconc::cuda {
namespace {

using Numbers = std::vector<std::int64_t>;

NativeconcCudaArray array_of(const Numbers& shape, const Numbers& strides) {
  NativeconcCudaArray array{};
  array.ndim = static_cast<std::int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), array.shape);
  std::copy(strides.begin(), strides.end(), array.strides);
  return array;
}

// The offsets in the order of C indices, by counting.
Numbers offsets_by_counting(const Numbers& shape, const Numbers& strides) {
  Numbers offsets{0};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    Numbers next;
    for (const std::int64_t offset : offsets) {
      for (std::int64_t i = 0; i < shape[axis]; ++i) next.push_back(offset + i * strides[axis]);
    }
    offsets = next;
  }
  return offsets;
}

template <class Index>
Numbers offsets_of_walk(const SumWalk& walk, std::size_t n) {
  Numbers offsets;
  for (std::size_t i = 0; i < n; ++i) offsets.push_back(sum_offset(walk, static_cast<Index>(i)));
  return offsets;
}

struct Layout {
  const char* name;
  Numbers shape;
  Numbers strides;  // of 8-byte elements
  int joined_ndim;
};

void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

const Layout kLayouts[] = {
    {"scalar", {}, {}, 0},
    {"one element", {1, 1}, {800, 8}, 0},
    {"vector", {7}, {8}, 1},
    {"every third", {7}, {24}, 1},
    {"reversed", {7}, {-8}, 1},
    {"C order", {3, 4, 5}, {160, 40, 8}, 1},
    {"Fortran order", {3, 4, 5}, {8, 24, 96}, 1},
    {"swapped inner axes", {3, 5, 4}, {160, 8, 40}, 1},
    {"columns cut off", {3, 4}, {80, 8}, 2},
    {"every second row", {3, 4}, {64, 8}, 2},
    {"rows reversed", {3, 4}, {-32, 8}, 2},
    {"all reversed", {3, 4}, {-32, -8}, 1},
    {"broadcast rows", {3, 4}, {0, 8}, 2},
    {"broadcast scalar", {3, 4}, {0, 0}, 1},
    {"extent 1 with a wild stride", {3, 1, 4}, {32, 12345, 8}, 1},
    {"overlapping windows", {5, 3}, {8, 8}, 2},
    {"inner block of a cube", {2, 3, 2, 3}, {720, 120, 40, 8}, 4},
};

class SumWalkOf : public ::testing::TestWithParam<Layout> {};

TEST_P(SumWalkOf, ReachesEveryElementAsOftenAsItIsThere) {
  const Layout& layout = GetParam();
  const SumWalk walk = sum_walk(array_of(layout.shape, layout.strides));
  Numbers expected = offsets_by_counting(layout.shape, layout.strides);
  Numbers found = offsets_of_walk<std::uint32_t>(walk, expected.size());
  EXPECT_EQ(found, offsets_of_walk<std::uint64_t>(walk, expected.size()));
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, expected);
}

TEST_P(SumWalkOf, JoinsAxesThatContinueEachOther) {
  const Layout& layout = GetParam();
  EXPECT_EQ(sum_walk(array_of(layout.shape, layout.strides)).ndim, layout.joined_ndim);
}

INSTANTIATE_TEST_SUITE_P(Layouts, SumWalkOf, ::testing::ValuesIn(kLayouts));

TEST(SumWalk, GoesThroughMemoryInOrderWhateverTheOrderOfAxes) {
  const Numbers shape{4, 2, 3};
  const Numbers strides{8, 96, 32};  // axes 1, 2, 0 from slowest to fastest
  const Numbers found = offsets_of_walk<std::uint32_t>(sum_walk(array_of(shape, strides)), 24);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

TEST(SumWalk, IsTheSameForAGapAndForNone) {
  const SumWalk packed = sum_walk(array_of({6, 5}, {40, 8}));
  const SumWalk gaps = sum_walk(array_of({6, 5}, {800, 16}));
  for (std::uint32_t i = 0; i < 30; ++i) {
    EXPECT_EQ(sum_offset(packed, i) / 40, sum_offset(gaps, i) / 800);
    EXPECT_EQ(sum_offset(packed, i) % 40 / 8, sum_offset(gaps, i) % 800 / 16);
  }
}

TEST(SumIsContiguous, HoldsForWhatLiesWithoutGaps) {
  EXPECT_TRUE(sum_is_contiguous(sum_walk(array_of({}, {})), 8));
  EXPECT_TRUE(sum_is_contiguous(sum_walk(array_of({3, 4}, {32, 8})), 8));
  EXPECT_TRUE(sum_is_contiguous(sum_walk(array_of({3, 4}, {8, 24})), 8));
  EXPECT_FALSE(sum_is_contiguous(sum_walk(array_of({3, 4}, {64, 8})), 8));
  EXPECT_FALSE(sum_is_contiguous(sum_walk(array_of({7}, {-8})), 8));
  EXPECT_FALSE(sum_is_contiguous(sum_walk(array_of({7}, {8})), 4));
  EXPECT_FALSE(sum_is_contiguous(sum_walk(array_of({7}, {0})), 8));
}

TEST(SumCount, MultipliesTheExtents) {
  EXPECT_EQ(sum_count(array_of({}, {})), 1);
  EXPECT_EQ(sum_count(array_of({3, 4, 5}, {0, 0, 0})), 60);
}

TEST(SumCount, IsZeroForAnEmptyArrayHoweverLargeTheOtherExtents) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  EXPECT_EQ(sum_count(array_of({kHuge, kHuge, 0}, {0, 0, 0})), 0);
  EXPECT_EQ(sum_count(array_of({0, kHuge, kHuge}, {0, 0, 0})), 0);
}

TEST(SumCount, RefusesWhatCannotBeCounted) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  EXPECT_EQ(sum_count(array_of({kHuge, kHuge}, {0, 0})), -1);
  EXPECT_EQ(sum_count(array_of({3, -1}, {0, 0})), -1);
}

TEST(SumBlocks, AreCountedRoundingUp) {
  EXPECT_EQ(sum_block_count(1), 1);
  EXPECT_EQ(sum_block_count(kSumBlockLength), 1);
  EXPECT_EQ(sum_block_count(kSumBlockLength + 1), 2);
  EXPECT_LE(sum_block_count(kSumMaxElements), std::numeric_limits<std::int32_t>::max());
}

TEST(SumPartials, HoldEveryLevelAtAnEvenPlace) {
  EXPECT_EQ(sum_partials_size(1), 0);
  EXPECT_EQ(sum_partials_size(kSumBlockLength), 0);
  EXPECT_EQ(sum_partials_size(kSumBlockLength + 1), 2);
  EXPECT_EQ(sum_partials_size(kSumBlockLength * 3), 4);  // 3, rounded up
  // 8193 blocks, rounded up, then 2.
  EXPECT_EQ(sum_partials_size(kSumBlockLength * kSumBlockLength + 1), 8194 + 2);
}

}  // namespace
}  // namespace nativeconc::cuda
