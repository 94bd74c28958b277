// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Where the limits of this process's control groups stand in the file system.
//
// Any thread. Which group it is is read anew each time: a process can be moved to another. Where
// the groups are mounted is read once. A limit may stand at the group or at any of its ancestors,
// so all of them are given. What is given may lack any file: a group without a controller has none
// of the controller's files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nativeconc::os {

enum class CgroupVersion { v1, v2 };

struct CgroupFolder {
  std::string path;  // starts with the root that was asked for; no '/' at its end
  CgroupVersion version = CgroupVersion::v2;
};

// The folders of this process's group, then of its ancestors up to the topmost one that this
// process can see, for a controller ("cpu", "memory"). Version 2's come first, then version 1's: a
// machine may have both. The file system starts at `root` ("" for the real one): tests build small
// ones.
std::vector<CgroupFolder> find_cgroups(const std::string& root, std::string_view controller);

}  // namespace nativeconc::os
