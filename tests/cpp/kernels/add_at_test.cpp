// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/add_at.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "every_path.hpp"

namespace nativeconc::kernels {
namespace {

using pool::Execution;
using pool::Outcome;

ArrayView row_view(const void* data, Dtype dtype, std::size_t n) {
  ArrayView view;
  view.data = data;
  view.dtype = dtype;
  view.ndim = 1;
  view.shape[0] = static_cast<std::int64_t>(n);
  view.strides[0] = static_cast<std::int64_t>(size_of(dtype));
  return view;
}

ArrayView one_number(const void* data, Dtype dtype) {
  ArrayView view;
  view.data = data;
  view.dtype = dtype;
  return view;
}

struct Input {
  std::vector<double> target;
  std::vector<std::int64_t> indices;
  std::vector<double> numbers;
};

Input random_input(std::size_t places, std::size_t n, bool negative) {
  std::mt19937_64 random(n + places);
  std::uniform_real_distribution<double> real(-1.0, 1.0);
  Input input;
  for (std::size_t i = 0; i < places; ++i) input.target.push_back(real(random));
  const auto extent = static_cast<std::int64_t>(places);
  for (std::size_t i = 0; i < n; ++i) {
    const auto index = static_cast<std::int64_t>(random() % places);
    input.indices.push_back(negative && random() % 2 == 0 ? index - extent : index);
    input.numbers.push_back(real(random));
  }
  return input;
}

std::vector<double> model(const Input& input, bool one_for_all) {
  std::vector<double> out = input.target;
  const auto n = static_cast<std::int64_t>(out.size());
  for (std::size_t i = 0; i < input.indices.size(); ++i) {
    const std::int64_t index = input.indices[i];
    out[static_cast<std::size_t>(index < 0 ? index + n : index)] +=
        input.numbers[one_for_all ? 0 : i];
  }
  return out;
}

TEST(AddAt, AddsInOrderOnEveryPath) {
  for (const std::size_t places : {1, 5, 1000, 100'000}) {
    for (const std::size_t n : {1, 100, 40'003, 150'001}) {
      for (const bool negative : {false, true}) {
        const Input input = random_input(places, n, negative);
        for (const bool one_for_all : {false, true}) {
          const std::vector<double> expected = model(input, one_for_all);
          on_every_path([&](const Execution& execution) {
            std::vector<double> target = input.target;
            BadIndex bad;
            ASSERT_EQ(add_at(row_view(target.data(), Dtype::float64, places),
                             row_view(input.indices.data(), Dtype::int64, n),
                             one_for_all ? one_number(input.numbers.data(), Dtype::float64)
                                         : row_view(input.numbers.data(), Dtype::float64, n),
                             execution, bad),
                      Outcome::done);
            EXPECT_FALSE(bad.found);
            EXPECT_EQ(target, expected);
          });
        }
      }
    }
  }
}

TEST(AddAt, ChangesNothingIfAnIndexIsOutOfRange) {
  for (const std::int64_t index : {3, -4}) {
    std::vector<std::int64_t> indices(100'000, 1);
    indices[77'777] = index;
    indices[88'888] = 1000;
    const float number = 1.0F;
    on_every_path([&](const Execution& execution) {
      std::vector<float> target(3, 0.5F);
      BadIndex bad;
      ASSERT_EQ(add_at(row_view(target.data(), Dtype::float32, 3),
                       row_view(indices.data(), Dtype::int64, indices.size()),
                       one_number(&number, Dtype::float32), execution, bad),
                Outcome::done);
      EXPECT_TRUE(bad.found);
      EXPECT_EQ(bad.index, index);
      EXPECT_EQ(target, std::vector<float>(3, 0.5F));
    });
  }
}

TEST(AddAt, HasChangedNothingWhenItIsStopped) {
  const std::vector<std::int64_t> indices(1'000'000, 1);
  const std::vector<double> numbers(indices.size(), 1.0);
  AlreadyCancelled cancelled;
  for (const int threads : {1, 4}) {
    std::vector<double> target(5, 0.5);
    BadIndex bad;
    EXPECT_EQ(add_at(row_view(target.data(), Dtype::float64, 5),
                     row_view(indices.data(), Dtype::int64, indices.size()),
                     row_view(numbers.data(), Dtype::float64, numbers.size()),
                     cancelled.execution(threads), bad),
              Outcome::cancelled);
    EXPECT_EQ(target, std::vector<double>(5, 0.5));
  }
}

}  // namespace
}  // namespace nativeconc::kernels
