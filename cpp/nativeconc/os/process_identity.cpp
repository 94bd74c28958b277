// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/process_identity.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/os/small_file.hpp"

namespace nativeconc::os {
namespace {

struct Stat {
  std::uint64_t pid = 0;
  bool ended = false;
  std::uint64_t start_time = 0;
};

// See proc_pid_stat(5): "pid (name) state ppid ...", where the name may hold spaces and brackets.
std::optional<Stat> read_stat(const char* path) {
  std::array<char, 1024> buffer;
  const auto text = read_small_file(path, buffer);
  if (!text) return std::nullopt;
  const std::size_t name_end = text->rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= text->size()) return std::nullopt;
  const auto pid = parse_number(*text);
  std::string_view rest = text->substr(name_end + 2);
  const std::string_view state = take_until(rest, ' ');
  for (int field = 4; field < 20; ++field) take_until(rest, ' ');
  const auto threads = parse_number(take_until(rest, ' '));  // field 20
  take_until(rest, ' ');
  const auto start_time = parse_number(take_until(rest, ' '));  // field 22
  if (!pid || !threads || !start_time) return std::nullopt;

  // The state is that of the first thread: others may go on without it.
  const bool zombie = state == "Z" && *threads <= 1;
  return Stat{*pid, zombie || state == "X" || state == "x", *start_time};
}

// This process's identity as it was last read. An entry is of this process only if its key is: a
// child finds its parent's. Within a process a key's values never change, so that threads that
// store at once, or a fork amid a store, do no harm.
struct Cache {
  std::atomic<std::uint64_t> key{0};  // fork generation and pid; 0: empty
  std::atomic<std::uint64_t> start_time{0};
  std::atomic<std::uint64_t> pid_namespace{0};
};
constinit Cache cache;

// Both: a child of a bare clone() keeps the generation, the first of a new namespace may keep the
// pid.
std::uint64_t cache_key(pid_t pid) {
  return std::uint64_t{fork_generation()} << 32 | static_cast<std::uint32_t>(pid);
}

bool agree(std::uint64_t a, std::uint64_t b, std::uint64_t unknown) {
  return a == b || a == unknown || b == unknown;
}

}  // namespace

ProcessIdentity this_process() noexcept {
  ProcessIdentity self;
  self.pid = getpid();
  const std::uint64_t key = cache_key(self.pid);
  if (cache.key.load(std::memory_order_acquire) == key) {  // pairs with the release below
    // Relaxed: the key orders them.
    self.start_time = cache.start_time.load(std::memory_order_relaxed);
    self.pid_namespace = cache.pid_namespace.load(std::memory_order_relaxed);
    return self;
  }
  struct stat name_space{};
  if (stat("/proc/self/ns/pid", &name_space) == 0) self.pid_namespace = name_space.st_ino;
  // A /proc of another namespace shows other processes under our pids: no use to anybody here.
  const auto read = read_stat("/proc/self/stat");
  if (read && read->pid == static_cast<std::uint64_t>(self.pid)) self.start_time = read->start_time;

  // What could not be read may have lacked a file descriptor: next time perhaps.
  if (self.start_time != kUnknownStartTime && self.pid_namespace != 0) {
    cache.start_time.store(self.start_time, std::memory_order_relaxed);
    cache.pid_namespace.store(self.pid_namespace, std::memory_order_relaxed);
    cache.key.store(key, std::memory_order_release);
  }
  return self;
}

std::optional<ProcessIdentity> read_process(std::int32_t pid) noexcept {
  if (pid <= 0) return std::nullopt;
  const ProcessIdentity self = this_process();
  ProcessIdentity process{pid, kUnknownStartTime, self.pid_namespace};
  if (self.start_time != kUnknownStartTime) {
    std::array<char, 32> path{"/proc/"};
    char* end = std::to_chars(path.data() + 6, path.data() + path.size(), pid).ptr;
    std::string_view("/stat").copy(end, 5);
    if (const auto read = read_stat(path.data())) {
      if (read->ended) return std::nullopt;
      process.start_time = read->start_time;
      return process;
    }
  }
  // There is none, or /proc hides other users' processes (hidepid), or no descriptor is left.
  if (kill(pid, 0) == 0 || errno == EPERM) return process;
  return std::nullopt;
}

bool is_alive(const ProcessIdentity& process) noexcept {
  if (!agree(process.pid_namespace, this_process().pid_namespace, 0)) return false;
  const auto now = read_process(process.pid);
  return now && agree(process.start_time, now->start_time, kUnknownStartTime);
}

}  // namespace nativeconc::os
