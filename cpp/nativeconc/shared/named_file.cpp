// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/named_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/os/process_identity.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

std::string prefix() { return "nativeconc-" + std::to_string(geteuid()) + "-"; }

// How many bytes a character of UTF-8 has that begins with this one; 0 if none does.
std::size_t utf8_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(static_cast<unsigned char>(text.front()));
    if (length == 0 || length > text.size()) return false;
    const auto continues = [](char byte) { return (byte & 0xc0) == 0x80; };
    if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length),
                     continues)) {
      return false;
    }
    // Longer than need be, a surrogate, or beyond the last character: what Python does not decode.
    const auto second = static_cast<unsigned char>(length > 2 ? text[1] : 0xa0);
    const auto first = static_cast<unsigned char>(text.front());
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

bool can_be_name(std::string_view name) {
  const auto is_bad = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20; };
  return !name.empty() && name.size() <= kMaxName && is_utf8(name) &&
         std::none_of(name.begin(), name.end(), is_bad);
}

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

SharedError damaged(std::string_view what, std::string_view why) {
  return {SharedFault::damaged, EINVAL,
          std::string(what) + " is not a usable segment: " + std::string(why)};
}

SharedError not_found(std::string_view name) {
  return {SharedFault::not_found, ENOENT, "no process holds shared memory named " + quoted(name)};
}

SharedError refused(std::string_view doing, int code) {
  return {SharedFault::system, code, std::string(doing) + ": " + std::strerror(code)};
}

// What open_file() said of what has the name.
SharedError cannot_open(std::string_view name, int code) {
  const std::string what = "what is named " + quoted(name);
  switch (code) {
    case ENOENT:
      return not_found(name);
    case ELOOP:
      return damaged(what, "it is a symbolic link");
    case ENXIO:
    case EISDIR:
      return damaged(what, "it is no regular file");
    case EACCES:
    case EPERM:
      return damaged(what, "this process may not open it");
    default:
      return refused("cannot open shared memory named " + quoted(name), code);
  }
}

// Whoever has the exclusive lock removes the name, if it is still this file's.
bool unlink_if_named(const std::string& path, int fd) {
  struct stat file{};
  struct stat named{};
  return fstat(fd, &file) == 0 && lstat(path.c_str(), &named) == 0 && file.st_dev == named.st_dev &&
         file.st_ino == named.st_ino && unlink(path.c_str()) == 0;
}

// Whoever removes a name needs some microseconds, unless it is stopped.
constexpr int kMaxLooks = 40;
void wait_a_moment() {
  const timespec moment{0, 50'000};
  nanosleep(&moment, nullptr);
}

bool try_lock(int fd, int kind) {
  while (flock(fd, kind | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

// O_NONBLOCK: what has the name may be a pipe.
FileDescriptor open_file(const std::string& path, Access access) {
  const int mode = access == Access::read_only ? O_RDONLY : O_RDWR;
  return FileDescriptor(open(path.c_str(), mode | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

// Neither anybody else's file nor anybody else's business.
void check_file(const struct stat& status, std::string_view what) {
  if (!S_ISREG(status.st_mode)) throw damaged(what, "it is no regular file");
  if (status.st_uid != geteuid()) throw damaged(what, "it belongs to another user");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw damaged(what, "other users may open it");
  }
}

void check_namespace(const SegmentHeader& header, std::string_view what) {
  if (header.pid_namespace == os::this_process().pid_namespace) return;
  throw damaged(what, "a process of another pid namespace made it");
}

// Whatever pid namespace it is from.
SegmentHeader read_any_header(int fd, std::string_view what, std::string* meta,
                              struct stat* status) {
  if (fstat(fd, status) != 0) throw refused("cannot look at " + std::string(what), errno);
  check_file(*status, what);
  std::array<std::byte, sizeof(SegmentHeader)> bytes{};
  const auto read = [&](void* into, std::size_t size, std::uint64_t offset) {
    return pread(fd, into, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  };
  if (!read(bytes.data(), bytes.size(), 0)) throw damaged(what, "it is too short");
  SegmentHeader header;
  std::string fault = parse_header(bytes, static_cast<std::uint64_t>(status->st_size), &header);
  if (!fault.empty()) throw damaged(what, fault);
  meta->resize(header.meta_size);
  if (!meta->empty() && !read(meta->data(), meta->size(), header.meta_offset))
    throw damaged(what, "it is too short");
  fault = check_sum(header, *meta);
  if (!fault.empty()) throw damaged(what, fault);
  return header;
}

}  // namespace

std::string path_of(std::string_view name) {
  if (!can_be_name(name)) {
    throw std::invalid_argument("a name has 1 to " + std::to_string(kMaxName) +
                                " bytes (UTF-8), none of them '/' or a control character, unlike " +
                                quoted(name) + " (" + std::to_string(name.size()) + " bytes)");
  }
  return std::string(kNamesFolder) + "/" + prefix() + std::string(name);
}

std::vector<std::string> list_names() {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(std::string(kNamesFolder).c_str()),
                                                   closedir);
  if (folder == nullptr) return names;
  const std::string start = prefix();
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view file = entry->d_name;
    if (file.starts_with(start) && can_be_name(file.substr(start.size()))) {
      names.emplace_back(file.substr(start.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

FileDescriptor create_unnamed_file() {
  FileDescriptor file(
      open(std::string(kNamesFolder).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.is_open()) {
    throw refused("cannot create a file in " + std::string(kNamesFolder), errno);
  }
  // The umask may have taken bits away.
  if (fchmod(file.get(), S_IRUSR | S_IWUSR) != 0) throw refused("cannot set a file's mode", errno);
  if (!try_lock(file.get(), LOCK_SH)) throw refused("cannot lock a new file", errno);
  return file;
}

void refuse_if_taken(std::string_view name) {
  const std::string path = path_of(name);
  const std::string what = "what is named " + quoted(name);
  struct stat status{};
  for (int looks = 0; lstat(path.c_str(), &status) == 0 && !remove_if_unheld(name); ++looks) {
    const FileDescriptor other = open_file(path, Access::read_only);
    if (!other.is_open() && errno == ENOENT) continue;
    if (!other.is_open()) throw cannot_open(name, errno);
    const bool is_held = try_lock(other.get(), LOCK_SH);
    std::string meta;
    read_header(other.get(), what, &meta);
    if (is_held) {
      leave(other, name);  // the holder may have gone while this process held it, too
    } else if (looks < kMaxLooks) {
      wait_a_moment();  // somebody is removing it
      continue;
    }
    throw SharedError(SharedFault::exists, EEXIST,
                      "there is already shared memory named " + quoted(name) +
                          ": attach to it, or let go of it first");
  }
}

void publish(const FileDescriptor& file, std::string_view name) {
  const std::string path = path_of(name);
  const std::string self = "/proc/self/fd/" + std::to_string(file.get());
  while (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno != EEXIST) throw refused("cannot create the name " + quoted(name), errno);
    refuse_if_taken(name);
  }
}

HeldFile open_held(std::string_view name, Access access) {
  const std::string path = path_of(name);
  const std::string what = "what is named " + quoted(name);
  for (;;) {
    HeldFile held{open_file(path, access), {}, {}};
    const int fd = held.file.get();
    if (fd < 0) throw cannot_open(name, errno);
    const bool is_unheld = try_lock(fd, LOCK_EX);
    const bool is_held_here = !is_unheld && try_lock(fd, LOCK_SH);
    const int refusal = errno;
    struct stat status{};
    held.header = read_any_header(fd, what, &held.meta, &status);
    if (is_unheld) unlink_if_named(path, fd);
    if (!is_unheld && !is_held_here && refusal != EWOULDBLOCK) {
      throw refused("cannot lock " + what, refusal);
    }
    // Whoever has it locked against us knows that nobody holds it, and is about to remove it.
    if (!is_held_here) throw not_found(name);
    check_namespace(held.header, what);
    // A file that was removed has no name left, so too one whose name is now another's.
    if (status.st_nlink > 0) return held;
  }
}

void leave(const FileDescriptor& file, std::string_view name) {
  // This gives the shared lock up, whether it gets the exclusive one or not.
  if (try_lock(file.get(), LOCK_EX)) unlink_if_named(path_of(name), file.get());
}

bool remove_if_unheld(std::string_view name) {
  if (!can_be_name(name)) return false;
  const std::string path = path_of(name);
  const FileDescriptor file = open_file(path, Access::read_only);
  if (!file.is_open() || !try_lock(file.get(), LOCK_EX)) return false;
  try {
    std::string meta;
    struct stat status{};
    // A lock tells that nobody holds it, in any pid namespace.
    read_any_header(file.get(), "", &meta, &status);
  } catch (const SharedError&) {
    return false;
  }
  return unlink_if_named(path, file.get());
}

void sweep_if_due() {
  constexpr std::int64_t kLeastNs = 10'000'000;
  constexpr std::int64_t kShare = 100;
  // relaxed: at worst two threads sweep at the same time, which is harmless
  static constinit std::atomic<std::int64_t> due_ns{0};
  const std::int64_t begin = monotonic_ns();
  if (begin < due_ns.load(std::memory_order_relaxed)) return;
  for (const std::string& name : list_names()) remove_if_unheld(name);
  const std::int64_t end = monotonic_ns();
  due_ns.store(end + std::max(kLeastNs, kShare * (end - begin)), std::memory_order_relaxed);
}

SegmentHeader read_header(int fd, std::string_view what, std::string* meta) {
  struct stat status{};
  const SegmentHeader header = read_any_header(fd, what, meta, &status);
  check_namespace(header, what);
  return header;
}

}  // namespace nativeconc::shared
