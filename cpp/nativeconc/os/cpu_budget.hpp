// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// How many cores this process may use: the smaller of its affinity mask and its cgroup's CPU quota.
//
// Any thread. Reads files, so callers keep the answer. Containers are the reason: a process limited
// to two cores on a machine of 64 must start two threads, not 64.
#pragma once

#include <optional>
#include <string>

namespace nativeconc::os {

struct CpuBudget {
  int affinity = 1;             // cores in the affinity mask
  std::optional<double> quota;  // cores' worth of time the cgroup grants; none: unlimited

  // Whole threads: at least 1; a quota of 1.5 cores is worth two threads.
  int threads() const;
};

CpuBudget read_cpu_budget();

// The quota alone, from a file system that starts at `root`: tests build small ones. Understands
// cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us); the strictest of a group and its ancestors counts.
std::optional<double> read_cpu_quota(const std::string& root);

}  // namespace nativeconc::os
