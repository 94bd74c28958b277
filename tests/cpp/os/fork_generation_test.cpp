// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/fork_generation.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace nativeconc::os {
namespace {

TEST(ForkGeneration, CountsForksOnTheWayToThisProcess) {
  const std::uint32_t here = fork_generation();
  const int in_child = testing::run_in_child([here] {
    if (fork_generation() != here + 1) return 1;
    return testing::run_in_child([here] { return fork_generation() == here + 2 ? 7 : 2; });
  });
  EXPECT_EQ(in_child, 7);
  EXPECT_EQ(fork_generation(), here);
}

}  // namespace
}  // namespace nativeconc::os
