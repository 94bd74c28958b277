// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/strided_walk.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace nativeconc::kernels {
namespace {

// Strides count elements here.
ArrayView view_of(const std::int64_t* data, const std::vector<std::int64_t>& shape,
                  const std::vector<std::int64_t>& strides) {
  ArrayView view;
  view.data = data;
  view.dtype = Dtype::int64;
  view.ndim = static_cast<int>(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    view.shape[i] = shape[i];
    view.strides[i] = strides[i] * 8;
  }
  return view;
}

std::vector<std::int64_t> order_of(const ArrayView& view, std::int64_t piece = 1'000'000) {
  const StridedWalk walk(view);
  std::vector<std::int64_t> out(static_cast<std::size_t>(walk.size));
  for (std::int64_t first = 0; first < walk.size; first += piece) {
    walk.gather(first, std::min(piece, walk.size - first),
                reinterpret_cast<unsigned char*>(out.data() + first));
  }
  return out;
}

class StridedWalkTest : public ::testing::Test {
 protected:
  StridedWalkTest() : data_(1000) { std::iota(data_.begin(), data_.end(), 0); }
  std::vector<std::int64_t> first(int n) const { return {data_.begin(), data_.begin() + n}; }

  std::vector<std::int64_t> data_;
};

TEST_F(StridedWalkTest, JoinsAContiguousArrayIntoOneAxis) {
  const StridedWalk walk(view_of(data_.data(), {2, 3, 4}, {12, 4, 1}));
  EXPECT_TRUE(walk.is_contiguous());
  EXPECT_EQ(walk.size, 24);
}

TEST_F(StridedWalkTest, VisitsFortranOrderByMemory) {
  const ArrayView fortran = view_of(data_.data(), {2, 3, 4}, {1, 2, 6});
  EXPECT_TRUE(StridedWalk(fortran).is_contiguous());
  EXPECT_EQ(order_of(fortran), first(24));
}

TEST_F(StridedWalkTest, VisitsZeroDimensionsOnce) {
  EXPECT_EQ(order_of(view_of(data_.data() + 7, {}, {})), std::vector<std::int64_t>{7});
}

TEST_F(StridedWalkTest, VisitsNothingOfAnEmptyArray) {
  EXPECT_TRUE(order_of(view_of(data_.data(), {3, 0, 2}, {0, 2, 1})).empty());
}

TEST_F(StridedWalkTest, IgnoresStridesOfAxesOfOneElement) {
  EXPECT_TRUE(StridedWalk(view_of(data_.data(), {1, 5, 1}, {999, 1, -77})).is_contiguous());
}

TEST_F(StridedWalkTest, FollowsNegativeStridesInIndexOrder) {
  EXPECT_EQ(order_of(view_of(data_.data() + 3, {4}, {-1})),
            (std::vector<std::int64_t>{3, 2, 1, 0}));
}

TEST_F(StridedWalkTest, RepeatsElementsOfZeroStridesInTheirPlace) {
  EXPECT_EQ(order_of(view_of(data_.data(), {2, 3}, {0, 1})),
            (std::vector<std::int64_t>{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(order_of(view_of(data_.data(), {3, 2}, {1, 0})),
            (std::vector<std::int64_t>{0, 0, 1, 1, 2, 2}));
}

TEST_F(StridedWalkTest, OrderDoesNotDependOnTheLengthOfStrides) {
  const std::vector<std::int64_t> dense = order_of(view_of(data_.data(), {3, 4}, {1, 3}));
  std::vector<std::int64_t> spread(1000);
  for (std::int64_t col = 0; col < 4; ++col) {
    for (std::int64_t row = 0; row < 3; ++row) {
      spread[static_cast<std::size_t>(row * 5 + col * 100)] = row + col * 3;
    }
  }
  EXPECT_EQ(order_of(view_of(spread.data(), {3, 4}, {5, 100})), dense);
}

TEST_F(StridedWalkTest, GathersTheSameInPiecesOfAnyLength) {
  const ArrayView view = view_of(data_.data() + 500, {3, 5, 7}, {70, -20, 2});
  const std::vector<std::int64_t> whole = order_of(view);
  for (const std::int64_t piece : {1, 2, 3, 6, 7, 8, 34, 35, 36}) {
    EXPECT_EQ(order_of(view, piece), whole) << piece;
  }
}

}  // namespace
}  // namespace nativeconc::kernels
