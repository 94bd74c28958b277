// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/cpu_budget.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "nativeconc/os/cgroup.hpp"

namespace nativeconc::os {
namespace {

std::optional<double> read_number(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// One group's own limit.
std::optional<double> read_group_quota(const CgroupFolder& group) {
  std::optional<double> quota;
  std::optional<double> period;
  if (group.version == CgroupVersion::v2) {
    std::ifstream file(group.path + "/cpu.max");  // "max 100000" or "150000 100000"
    std::string first;
    double second = 0;
    if (!(file >> first >> second) || first == "max") return std::nullopt;
    std::istringstream number(first);
    double value = 0;
    if (number >> value) quota = value;
    period = second;
  } else {
    quota = read_number(group.path + "/cpu.cfs_quota_us");  // -1: no limit
    period = read_number(group.path + "/cpu.cfs_period_us");
  }
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
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
  std::optional<double> strictest;
  for (const CgroupFolder& group : find_cgroups(root, "cpu")) {
    if (const auto quota = read_group_quota(group)) {
      strictest = strictest ? std::min(*strictest, *quota) : *quota;
    }
  }
  return strictest;
}

CpuBudget read_cpu_budget() { return CpuBudget{count_affinity(), read_cpu_quota("")}; }

}  // namespace nativeconc::os
