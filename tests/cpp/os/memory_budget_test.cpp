// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/memory_budget.hpp"

#include <gtest/gtest.h>

#include <string>

#include "os/fake_root.hpp"

namespace nativeconc::os {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::string mib(std::uint64_t n) { return std::to_string(n * kMiB) + "\n"; }

class MemoryBudget : public testing::FakeRoot {
 protected:
  void write_machine(std::uint64_t available_mib, std::uint64_t swap_free_mib) const {
    write("/proc/meminfo", "MemTotal:       99999999 kB\nMemFree:        1 kB\nMemAvailable:   " +
                               std::to_string(available_mib * 1024) +
                               " kB\nSwapCached: 7 kB\nSwapTotal: 99999999 kB\nSwapFree:  " +
                               std::to_string(swap_free_mib * 1024) + " kB\n");
  }
  void use_v2(const std::string& group) const {
    write("/proc/self/mountinfo", testing::kMountV2);
    write("/proc/self/cgroup", "0::" + group + "\n");
  }
  void use_v1(const std::string& group) const {
    write("/proc/self/mountinfo", "33 31 0:28 / /cg/memory rw - cgroup cgroup rw,memory\n");
    write("/proc/self/cgroup", "3:cpu,cpuacct:/x\n2:memory:" + group + "\n");
  }
  std::uint64_t available_mib() const { return read_available_memory(root_) / kMiB; }
};

TEST_F(MemoryBudget, IsUnlimitedWhereNothingCanBeRead) {
  EXPECT_EQ(read_available_memory(root_), kUnlimitedMemory);
}

TEST_F(MemoryBudget, CountsTheMachinesAvailableMemoryAndFreeSwap) {
  write_machine(100, 20);
  EXPECT_EQ(read_available_memory(root_), 120 * kMiB);
}

TEST_F(MemoryBudget, GarbageIsNoLimit) {
  write("/proc/meminfo", "MemAvailable: many kB\nSwapFree:\n\nnonsense");
  use_v2("/app");
  write("/sys/fs/cgroup/app/memory.max", "lots\n");
  write("/sys/fs/cgroup/app/memory.current", "0\n");
  EXPECT_EQ(read_available_memory(root_), kUnlimitedMemory);
}

TEST_F(MemoryBudget, AHugeMachineDoesNotOverflow) {
  write("/proc/meminfo",
        "MemAvailable: 18446744073709551615 kB\nSwapFree: 999999999999999999 kB\n");
  EXPECT_EQ(read_available_memory(root_), kUnlimitedMemory);
}

TEST_F(MemoryBudget, VersionTwosLimitLeavesWhatIsNotUsedOrCanBeDropped) {
  write_machine(1000, 0);
  use_v2("/app");
  write("/sys/fs/cgroup/app/memory.max", mib(100));
  write("/sys/fs/cgroup/app/memory.current", mib(70));
  EXPECT_EQ(available_mib(), 30u);
  write("/sys/fs/cgroup/app/memory.stat",
        "anon 1\nfile " + mib(60) + "shmem " + mib(45) + "inactive_anon " + mib(45) +
            "inactive_file " + mib(10) + "active_file " + mib(5) + "total_active_file 7\n");
  EXPECT_EQ(available_mib(), 45u);
}

TEST_F(MemoryBudget, MaxIsUnlimited) {
  write_machine(1000, 0);
  use_v2("/app");
  write("/sys/fs/cgroup/app/memory.max", "max\n");
  write("/sys/fs/cgroup/app/memory.current", mib(70));
  EXPECT_EQ(available_mib(), 1000u);
}

TEST_F(MemoryBudget, ALimitAboveWhatTheMachineHasDoesNotAddToIt) {
  write_machine(10, 0);
  use_v2("/app");
  write("/sys/fs/cgroup/app/memory.max", mib(1000));
  write("/sys/fs/cgroup/app/memory.current", mib(1));
  EXPECT_EQ(available_mib(), 10u);
}

TEST_F(MemoryBudget, IsNeverNegative) {
  write_machine(1000, 0);
  use_v2("/app");
  write("/sys/fs/cgroup/app/memory.max", mib(10));
  write("/sys/fs/cgroup/app/memory.current", mib(12));
  EXPECT_EQ(available_mib(), 0u);
}

TEST_F(MemoryBudget, TheStrictestAncestorCounts) {
  write_machine(1000, 0);
  use_v2("/slice/app");
  write("/sys/fs/cgroup/slice/app/memory.max", mib(100));
  write("/sys/fs/cgroup/slice/app/memory.current", mib(10));
  write("/sys/fs/cgroup/slice/memory.max", mib(200));
  write("/sys/fs/cgroup/slice/memory.current", mib(180));
  EXPECT_EQ(available_mib(), 20u);
}

TEST_F(MemoryBudget, AGroupMaySwapAsFarAsSwapIsFreeAndAllowed) {
  write_machine(1000, 50);
  use_v2("/slice/app");
  write("/sys/fs/cgroup/slice/app/memory.max", mib(100));
  write("/sys/fs/cgroup/slice/app/memory.current", mib(90));
  EXPECT_EQ(available_mib(), 60u);  // no limit of swap: all that is free
  write("/sys/fs/cgroup/slice/app/memory.swap.max", mib(30));
  write("/sys/fs/cgroup/slice/app/memory.swap.current", mib(10));
  EXPECT_EQ(available_mib(), 30u);
  write("/sys/fs/cgroup/slice/memory.swap.max", "0\n");  // an ancestor's holds too
  write("/sys/fs/cgroup/slice/memory.swap.current", "0\n");
  EXPECT_EQ(available_mib(), 10u);
}

TEST_F(MemoryBudget, ReadsVersionOne) {
  write_machine(1000, 50);
  use_v1("/job");
  write("/cg/memory/job/memory.limit_in_bytes", mib(100));
  write("/cg/memory/job/memory.usage_in_bytes", mib(80));
  write("/cg/memory/job/memory.stat", "inactive_file 0\nactive_file 0\ntotal_inactive_file " +
                                          mib(3) + "total_active_file " + mib(4));
  write("/cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("/cg/memory/memory.usage_in_bytes", mib(900));
  EXPECT_EQ(available_mib(), 27u);
}

TEST_F(MemoryBudget, VersionOnesLimitOfMemoryAndSwapCountsToo) {
  write_machine(1000, 50);
  use_v1("/job");
  write("/cg/memory/job/memory.limit_in_bytes", mib(100));
  write("/cg/memory/job/memory.usage_in_bytes", mib(20));
  write("/cg/memory/job/memory.memsw.limit_in_bytes", mib(100));
  write("/cg/memory/job/memory.memsw.usage_in_bytes", mib(95));
  EXPECT_EQ(available_mib(), 5u);
}

TEST_F(MemoryBudget, VersionOnesLargestNumberIsUnlimited) {
  write_machine(1000, 0);
  use_v1("/");
  write("/cg/memory/memory.limit_in_bytes", "9223372036854710272\n");  // pages of 64 KiB
  write("/cg/memory/memory.usage_in_bytes", mib(900));
  EXPECT_EQ(available_mib(), 1000u);
}

TEST(AvailableMemory, OfThisMachineIsMoreThanNothing) {
  EXPECT_GT(available_memory(), kMiB);
  EXPECT_LT(available_memory(), kUnlimitedMemory);
}

}  // namespace
}  // namespace nativeconc::os
