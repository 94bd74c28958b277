// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/cgroup.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "nativeconc/os/small_file.hpp"

namespace nativeconc::os {
namespace {

struct Mount {
  CgroupVersion version = CgroupVersion::v2;
  std::string controllers;  // v1's, amid other words
  std::string root;         // the group that the point shows; a container may not see its own path
  std::string point;
};
using Mounts = std::vector<Mount>;

bool contains(std::string_view comma_list, std::string_view word) {
  while (!comma_list.empty()) {
    if (take_until(comma_list, ',') == word) return true;
  }
  return false;
}

// The kernel writes a space, tab, newline or backslash of a path as \ooo; systemd's names of groups
// have backslashes.
std::string unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool is_below(std::string_view group, std::string_view top) {
  if (top == "/") return true;
  return group.starts_with(top) && (group.size() == top.size() || group[top.size()] == '/');
}

// The group this process is in: lines "hierarchy:controllers:path"; v2 has hierarchy 0.
std::optional<std::string_view> find_group(std::string_view groups, std::string_view controller,
                                           CgroupVersion version) {
  while (!groups.empty()) {
    std::string_view path = take_until(groups, '\n');
    const std::string_view hierarchy = take_until(path, ':');
    const std::string_view controllers = take_until(path, ':');
    if (!path.starts_with('/')) continue;
    const bool match = version == CgroupVersion::v2 ? hierarchy == "0" && controllers.empty()
                                                    : contains(controllers, controller);
    if (match) return path;
  }
  return std::nullopt;
}

// The mounts of groups. See proc_pid_mountinfo(5):
// "id parent major:minor root mount_point options [tags] - type source super_options".
Mounts parse_mounts(std::string_view text) {
  Mounts mounts;
  while (!text.empty()) {
    std::string_view left = take_until(text, '\n');
    const std::size_t dash = left.find(" - cgroup");
    if (dash == std::string_view::npos) continue;
    std::string_view right = left.substr(dash + 3);
    left = left.substr(0, dash);
    const std::string_view type = take_until(right, ' ');
    if (type != "cgroup" && type != "cgroup2") continue;
    take_until(right, ' ');
    for (int i = 0; i < 3; ++i) take_until(left, ' ');
    Mount mount;
    mount.version = type == "cgroup2" ? CgroupVersion::v2 : CgroupVersion::v1;
    mount.controllers = right;
    mount.root = unescape(take_until(left, ' '));
    mount.point = unescape(take_until(left, ' '));
    if (!mount.root.empty() && !mount.point.empty()) mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::optional<Mounts> read_mounts(const std::string& root) {
  const auto text = read_file((root + "/proc/self/mountinfo").c_str());
  if (!text) return std::nullopt;
  return parse_mounts(*text);
}

// The real mounts once they were read: the longest of the texts, and one that does not change.
// Made whole before it is stored, and never deleted: a fork finds all or nothing.
constinit std::atomic<const Mounts*> real_mounts{nullptr};

// nullptr if they cannot be read.
const Mounts* get_real_mounts() {
  // Pairs with the release below.
  const Mounts* known = real_mounts.load(std::memory_order_acquire);
  if (known != nullptr) return known;
  auto mounts = read_mounts("");
  if (!mounts) return nullptr;
  auto made = std::make_unique<const Mounts>(std::move(*mounts));
  if (real_mounts.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
    return made.release();
  }
  return known;  // another thread was faster
}

// The mount of the unified hierarchy, or of v1's controller. Some show only a part of the
// hierarchy: the first that shows the group, else the first.
const Mount* find_mount(const Mounts& mounts, std::string_view controller, CgroupVersion version,
                        std::string_view group) {
  const Mount* first = nullptr;
  for (const Mount& mount : mounts) {
    if (mount.version != version) continue;
    if (version == CgroupVersion::v1 && !contains(mount.controllers, controller)) continue;
    if (is_below(group, mount.root)) return &mount;
    if (first == nullptr) first = &mount;
  }
  return first;
}

void append_folders(const std::string& root, const Mounts& mounts, std::string_view groups,
                    std::string_view controller, CgroupVersion version,
                    std::vector<CgroupFolder>& folders) {
  const auto group = find_group(groups, controller, version);
  if (!group) return;
  const Mount* mount = find_mount(mounts, controller, version, *group);
  if (mount == nullptr) return;

  // The group's path as seen below the mount point.
  std::string_view path = *group;
  if (mount->root != "/" && is_below(path, mount->root)) path.remove_prefix(mount->root.size());
  for (;;) {
    while (path.ends_with('/')) path.remove_suffix(1);
    folders.push_back({root + mount->point + std::string(path), version});
    if (path.empty()) return;
    path = path.substr(0, path.rfind('/'));
  }
}

}  // namespace

std::vector<CgroupFolder> find_cgroups(const std::string& root, std::string_view controller) {
  std::vector<CgroupFolder> folders;
  const auto groups = read_file((root + "/proc/self/cgroup").c_str());
  if (!groups) return folders;
  std::optional<Mounts> made_up;
  if (!root.empty()) made_up = read_mounts(root);
  const Mounts* mounts = root.empty() ? get_real_mounts() : made_up ? &*made_up : nullptr;
  if (mounts == nullptr) return folders;

  for (const CgroupVersion version : {CgroupVersion::v2, CgroupVersion::v1}) {
    append_folders(root, *mounts, *groups, controller, version, folders);
  }
  return folders;
}

}  // namespace nativeconc::os
