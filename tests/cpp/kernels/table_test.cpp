// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nativeconc::kernels {
namespace {

TEST(KernelTable, IsSortedAndComplete) {
  const auto by_name = [](const KernelRow& a, const KernelRow& b) { return a.name < b.name; };
  EXPECT_TRUE(std::is_sorted(table().begin(), table().end(), by_name));
  for (const KernelRow& row : table()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_FALSE(row.incumbent.empty());
  }
}

}  // namespace
}  // namespace nativeconc::kernels
