// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/memory_budget.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "nativeconc/os/cgroup.hpp"
#include "nativeconc/os/small_file.hpp"

namespace nativeconc::os {
namespace {

// Longer than /proc/meminfo and any memory.stat.
using Buffer = std::array<char, 16384>;

// v1 writes "no limit" as the largest number of whole pages below 2^63.
constexpr std::uint64_t kBeyondAnyMachine = std::uint64_t{1} << 62;

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > kUnlimitedMemory - b ? kUnlimitedMemory : a + b;
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

// The number in the line that starts with the key.
std::optional<std::uint64_t> find_number(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    return parse_number(line);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_number(const std::string& path, Buffer& buffer) {
  const auto text = read_small_file(path.c_str(), buffer);
  return text ? parse_number(*text) : std::nullopt;
}

struct Machine {
  std::optional<std::uint64_t> available;
  std::uint64_t swap_free = 0;
};

Machine read_machine(const std::string& root, Buffer& buffer) {
  Machine machine;
  const auto text = read_small_file((root + "/proc/meminfo").c_str(), buffer);
  if (!text) return machine;
  const auto in_bytes = [](std::uint64_t kib) {
    return kib > kUnlimitedMemory / 1024 ? kUnlimitedMemory : kib * 1024;
  };
  machine.swap_free = in_bytes(find_number(*text, "SwapFree:").value_or(0));
  if (const auto available = find_number(*text, "MemAvailable:")) {
    machine.available = plus(in_bytes(*available), machine.swap_free);
  }
  return machine;
}

// What a limit and its use leave; nullopt if there is no limit, or none that can be read.
struct Room {
  std::uint64_t limit = 0;
  std::uint64_t usage = 0;
};

std::optional<Room> read_room(const std::string& folder, const char* limit_file,
                              const char* usage_file, Buffer& buffer) {
  // "max" is no number: no limit.
  const auto limit = read_number(folder + limit_file, buffer);
  if (!limit || *limit >= kBeyondAnyMachine) return std::nullopt;
  const auto usage = read_number(folder + usage_file, buffer);
  if (!usage) return std::nullopt;
  return Room{*limit, *usage};
}

// The group's page cache, which is dropped before anybody is killed. Shared memory is not in it:
// its pages are on the lists of anonymous pages.
std::uint64_t read_droppable(const CgroupFolder& group, Buffer& buffer) {
  const auto text = read_small_file((group.path + "/memory.stat").c_str(), buffer);
  if (!text) return 0;
  const bool v2 = group.version == CgroupVersion::v2;  // v1's plain names leave out its children
  return plus(find_number(*text, v2 ? "inactive_file " : "total_inactive_file ").value_or(0),
              find_number(*text, v2 ? "active_file " : "total_active_file ").value_or(0));
}

// The smaller of `least` and what the room leaves when the group's page cache is dropped and `swap`
// bytes are swapped out.
std::uint64_t tighten(std::uint64_t least, const Room& room, std::uint64_t swap,
                      const CgroupFolder& group, Buffer& buffer) {
  // memory.stat is the dear file: read it only if the rest does not suffice.
  const std::uint64_t sure = plus(room.limit, swap);
  if (minus(sure, room.usage) >= least) return least;
  return std::min(least, minus(plus(sure, read_droppable(group, buffer)), room.usage));
}

}  // namespace

std::uint64_t read_available_memory(const std::string& root) {
  Buffer buffer;
  const Machine machine = read_machine(root, buffer);
  std::uint64_t least = machine.available.value_or(kUnlimitedMemory);

  // From the top down, because an ancestor's limit of swap holds for all below it.
  const std::vector<CgroupFolder> groups = find_cgroups(root, "memory");
  std::uint64_t swap = machine.swap_free;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    if (group->version == CgroupVersion::v2) {
      if (swap > 0) {
        const auto room =
            read_room(group->path, "/memory.swap.max", "/memory.swap.current", buffer);
        if (room) swap = std::min(swap, minus(room->limit, room->usage));
      }
      const auto room = read_room(group->path, "/memory.max", "/memory.current", buffer);
      if (room) least = tighten(least, *room, swap, *group, buffer);
    } else {
      // Swap is not counted on: a group's memory.swappiness may forbid it. What was swapped out
      // counts against the limit of memory and swap together.
      const auto memory =
          read_room(group->path, "/memory.limit_in_bytes", "/memory.usage_in_bytes", buffer);
      if (!memory) continue;  // nor is there the other: it cannot be smaller
      least = tighten(least, *memory, 0, *group, buffer);
      const auto both = read_room(group->path, "/memory.memsw.limit_in_bytes",
                                  "/memory.memsw.usage_in_bytes", buffer);
      if (both) least = tighten(least, *both, 0, *group, buffer);
    }
  }
  return least;
}

std::uint64_t available_memory() { return read_available_memory(""); }

}  // namespace nativeconc::os
