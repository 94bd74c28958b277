// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/thread_count.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

#include "nativeconc/os/cpu_budget.hpp"
#include "support.hpp"

namespace nativeconc::pool {
namespace {

// The count is read once a process, so each case has a process of its own.
int count_with_variable(const char* value) {
  return testing::run_in_child([value] {
    setenv("NATIVECONC_NUM_THREADS", value, 1);
    try {
      return default_thread_count();
    } catch (const std::invalid_argument&) {
      return 99;
    }
  });
}

TEST(ThreadCount, IsTheCpuBudget) {
  EXPECT_EQ(count_with_variable(""), os::read_cpu_budget().threads());
}

TEST(ThreadCount, TheVariableCanOnlyLowerIt) {
  EXPECT_EQ(count_with_variable("1"), 1);
  EXPECT_EQ(count_with_variable("1024"), os::read_cpu_budget().threads());
}

TEST(ThreadCount, RefusesAVariableThatIsNoSensibleNumber) {
  for (const char* value : {"0", "-1", "1025", "two", "2x", "1e3", " 2", "99999999999999"}) {
    EXPECT_EQ(count_with_variable(value), 99) << value;
  }
}

TEST(ThreadCount, CanBeSet) {
  const int in_child = testing::run_in_child([] {
    set_default_thread_count(5);
    return default_thread_count();
  });
  EXPECT_EQ(in_child, 5);
}

}  // namespace
}  // namespace nativeconc::pool
