// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/cpu_budget.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

namespace nativeconc::os {
namespace {

struct Hierarchy {
  std::string mount_point;
  std::string mount_root;  // the group that mount_point shows; a container may not see its own path
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::string& comma_list, const std::string& word) {
  const auto words = split(comma_list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The mount of the unified hierarchy, or of v1's cpu controller. See proc_pid_mountinfo(5):
// "id parent major:minor root mount_point options [tags] - type source super_options".
std::optional<Hierarchy> find_mount(const std::string& root, bool unified) {
  std::ifstream mounts(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto left = split(line.substr(0, dash), ' ');
    const auto right = split(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    const bool match =
        unified ? right[0] == "cgroup2" : right[0] == "cgroup" && contains(right[2], "cpu");
    if (match) return Hierarchy{left[4], left[3]};
  }
  return std::nullopt;
}

// The group this process is in: lines "hierarchy:controllers:path"; v2 has hierarchy 0.
std::optional<std::string> find_group(const std::string& root, bool unified) {
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool match = unified ? line.substr(0, first) == "0" && controllers.empty()
                               : contains(controllers, "cpu");
    if (match) return line.substr(second + 1);
  }
  return std::nullopt;
}

std::optional<double> read_number(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// One group's own limit.
std::optional<double> read_group_quota(const std::string& folder, bool unified) {
  std::optional<double> quota;
  std::optional<double> period;
  if (unified) {
    std::ifstream file(folder + "/cpu.max");  // "max 100000" or "150000 100000"
    std::string first;
    double second = 0;
    if (!(file >> first >> second) || first == "max") return std::nullopt;
    std::istringstream number(first);
    double value = 0;
    if (number >> value) quota = value;
    period = second;
  } else {
    quota = read_number(folder + "/cpu.cfs_quota_us");  // -1: no limit
    period = read_number(folder + "/cpu.cfs_period_us");
  }
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::optional<double> read_hierarchy_quota(const std::string& root, bool unified) {
  const auto mount = find_mount(root, unified);
  const auto group = find_group(root, unified);
  if (!mount || !group) return std::nullopt;

  // The group's path as seen below the mount point.
  std::string path = *group;
  if (mount->mount_root != "/" && path.starts_with(mount->mount_root)) {
    path.erase(0, mount->mount_root.size());
  }
  std::optional<double> strictest;
  for (;;) {
    if (path == "/") path.clear();
    if (const auto quota = read_group_quota(root + mount->mount_point + path, unified)) {
      strictest = strictest ? std::min(*strictest, *quota) : *quota;
    }
    if (path.empty()) return strictest;
    const auto slash = path.rfind('/');
    path.erase(slash == std::string::npos ? 0 : slash);
  }
}

int count_affinity() {
  // The mask may be wider than cpu_set_t's 1024 cores: grow until the kernel is content.
  for (int cores = 1024; cores <= 1 << 20; cores *= 2) {
    cpu_set_t* set = CPU_ALLOC(cores);
    if (set == nullptr) return 1;
    const std::size_t size = CPU_ALLOC_SIZE(cores);
    const bool ok = sched_getaffinity(0, size, set) == 0;
    const int count = ok ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (ok) return std::max(count, 1);
  }
  return 1;
}

}  // namespace

int CpuBudget::threads() const {
  if (!quota) return affinity;
  return std::clamp(static_cast<int>(std::ceil(std::min(*quota, 1e6))), 1, affinity);
}

std::optional<double> read_cpu_quota(const std::string& root) {
  const auto v2 = read_hierarchy_quota(root, true);
  const auto v1 = read_hierarchy_quota(root, false);
  if (v1 && v2) return std::min(*v1, *v2);
  return v2 ? v2 : v1;
}

CpuBudget read_cpu_budget() { return CpuBudget{count_affinity(), read_cpu_quota("")}; }

}  // namespace nativeconc::os
