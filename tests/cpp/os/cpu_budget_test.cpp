// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/cpu_budget.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <optional>
#include <string>

#include "os/fake_root.hpp"
#include "support.hpp"

namespace nativeconc::os {
namespace {

using testing::kMountV2;

class CpuQuota : public testing::FakeRoot {
 protected:
  std::optional<double> quota() const { return read_cpu_quota(root_); }
};

constexpr const char* kMountV1 =
    "33 31 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

TEST_F(CpuQuota, NoCgroupMeansNoQuota) { EXPECT_EQ(quota(), std::nullopt); }

TEST_F(CpuQuota, ReadsVersionTwo) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/app\n");
  write("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, MaxIsUnlimited) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/app\n");
  write("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, TheStrictestAncestorCounts) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/slice/app\n");
  write("/sys/fs/cgroup/slice/app/cpu.max", "400000 100000\n");
  write("/sys/fs/cgroup/slice/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, AContainerSeesItsOwnGroupAsTheRoot) {
  write("/proc/self/mountinfo", "29 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/docker/abc\n");
  write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2.0);
}

TEST_F(CpuQuota, ReadsVersionOne) {
  write("/proc/self/mountinfo", kMountV1);
  write("/proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job\n");
  write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 3.0);
}

TEST_F(CpuQuota, VersionOnesMinusOneIsUnlimited) {
  write("/proc/self/mountinfo", kMountV1);
  write("/proc/self/cgroup", "3:cpu,cpuacct:/\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, GarbageIsNoQuota) {
  write("/proc/self/mountinfo", std::string("nonsense\n - \n") + kMountV2);
  write("/proc/self/cgroup", "nonsense\n0::/app\n");
  write("/sys/fs/cgroup/app/cpu.max", "many few\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST(CpuBudget, IsTheSmallerOfAffinityAndQuotaRoundedUp) {
  EXPECT_EQ((CpuBudget{8, std::nullopt}.threads()), 8);
  EXPECT_EQ((CpuBudget{8, 2.0}.threads()), 2);
  EXPECT_EQ((CpuBudget{8, 1.5}.threads()), 2);
  EXPECT_EQ((CpuBudget{8, 0.1}.threads()), 1);
  EXPECT_EQ((CpuBudget{2, 64.0}.threads()), 2);
  EXPECT_EQ((CpuBudget{2, 1e300}.threads()), 2);
}

TEST(CpuBudget, FollowsTheAffinityMask) {
  const int in_child = testing::run_in_child([] {
    cpu_set_t all;
    sched_getaffinity(0, sizeof all, &all);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    sched_setaffinity(0, sizeof one, &one);
    return read_cpu_budget().affinity == 1 && read_cpu_budget().threads() == 1 ? 7 : 1;
  });
  EXPECT_EQ(in_child, 7);
}

}  // namespace
}  // namespace nativeconc::os
