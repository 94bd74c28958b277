// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/cgroup.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nativeconc/os/small_file.hpp"
#include "os/fake_root.hpp"

namespace nativeconc::os {
namespace {

using testing::kMountV2;

class Cgroups : public testing::FakeRoot {
 protected:
  // Without the root, each with its version before it.
  std::vector<std::string> find(const std::string& controller) const {
    std::vector<std::string> found;
    for (const CgroupFolder& folder : find_cgroups(root_, controller)) {
      EXPECT_TRUE(folder.path.starts_with(root_));
      found.push_back((folder.version == CgroupVersion::v2 ? "2:" : "1:") +
                      folder.path.substr(root_.size()));
    }
    return found;
  }
};

using Folders = std::vector<std::string>;

constexpr const char* kMountsV1 =
    "32 31 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

TEST_F(Cgroups, WithoutFilesThereAreNone) { EXPECT_EQ(find("memory"), Folders{}); }

TEST_F(Cgroups, WithoutAMountThereAreNone) {
  write("/proc/self/mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw\n");
  write("/proc/self/cgroup", "0::/app\n");
  EXPECT_EQ(find("memory"), Folders{});
}

TEST_F(Cgroups, VersionTwosGroupComesBeforeItsAncestors) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/a/b/c\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/a/b/c", "2:/sys/fs/cgroup/a/b",
                                     "2:/sys/fs/cgroup/a", "2:/sys/fs/cgroup"}));
}

TEST_F(Cgroups, TheRootGroupIsGivenOnce) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(find("cpu"), Folders{"2:/sys/fs/cgroup"});
}

TEST_F(Cgroups, VersionOneHasAHierarchyPerController) {
  write("/proc/self/mountinfo", kMountsV1);
  write("/proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/\n1:name=systemd:/user\n");
  EXPECT_EQ(find("memory"), (Folders{"1:/sys/fs/cgroup/memory/job", "1:/sys/fs/cgroup/memory"}));
  EXPECT_EQ(find("cpu"), Folders{"1:/sys/fs/cgroup/cpu,cpuacct"});
  EXPECT_EQ(find("cpuset"), Folders{});
}

TEST_F(Cgroups, AMachineMayHaveBothVersions) {
  write("/proc/self/mountinfo",
        std::string(kMountsV1) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "4:memory:/\n0::/\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/unified", "1:/sys/fs/cgroup/memory"}));
}

TEST_F(Cgroups, AMountMayShowOnlyTheContainersPart) {
  write("/proc/self/mountinfo", "29 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/docker/abc/inner\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/inner", "2:/sys/fs/cgroup"}));
}

TEST_F(Cgroups, ALongerNameIsNotBelowAShorterOne) {
  write("/proc/self/mountinfo", "29 23 0:26 /app /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/apple\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/apple", "2:/sys/fs/cgroup"}));
}

TEST_F(Cgroups, TheMountThatShowsTheGroupIsPreferred) {
  write("/proc/self/mountinfo",
        "28 23 0:26 /other /mnt/other ro - cgroup2 cgroup2 rw\n"
        "29 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/app\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/app", "2:/sys/fs/cgroup"}));
}

TEST_F(Cgroups, EscapedCharactersOfAMountAreUnderstood) {
  write("/proc/self/mountinfo",
        "29 23 0:26 /a.slice/a\\134x2db /sys/fs/control\\040groups ro - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/a.slice/a\\x2db/c\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/control groups/c", "2:/sys/fs/control groups"}));
}

TEST_F(Cgroups, AGroupsNameMayHoldColons) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/a:b:c\n");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/a:b:c", "2:/sys/fs/cgroup"}));
}

TEST_F(Cgroups, ALongListOfMountsIsReadToItsEnd) {
  std::string mounts;
  for (int i = 0; i < 1000; ++i) {
    mounts += "22 27 0:21 / /var/lib/layers/" + std::to_string(i) + " rw - overlay overlay rw\n";
  }
  write("/proc/self/mountinfo", mounts + kMountV2);
  write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(find("memory"), Folders{"2:/sys/fs/cgroup"});
}

TEST_F(Cgroups, GarbageIsPassedOver) {
  write("/proc/self/mountinfo",
        std::string("nonsense\n - \n - cgroup2\nx - cgroup2 \n\n29 - cgroup2 a b\n") + kMountV2);
  write("/proc/self/cgroup", "nonsense\n0:\n0::\n:::::\n0::/app");
  EXPECT_EQ(find("memory"), (Folders{"2:/sys/fs/cgroup/app", "2:/sys/fs/cgroup"}));
}

TEST_F(Cgroups, SmallFilesAreReadAsFarAsTheBufferGoes) {
  write("/text", "0123456789");
  std::string buffer(4, ' ');
  EXPECT_EQ(read_small_file((root_ + "/text").c_str(), buffer), "0123");
  buffer.resize(64);
  EXPECT_EQ(read_small_file((root_ + "/text").c_str(), buffer), "0123456789");
  EXPECT_EQ(read_small_file((root_ + "/none").c_str(), buffer), std::nullopt);
  EXPECT_EQ(read_small_file(root_.c_str(), buffer), std::nullopt);  // a folder
}

}  // namespace
}  // namespace nativeconc::os
