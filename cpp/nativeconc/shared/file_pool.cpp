// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/file_pool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "nativeconc/os/fork_generation.hpp"

namespace nativeconc::shared {
namespace {

bool set_lock(int fd, short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

// Another description of the same file.
FileDescriptor open_again(int fd) {
  return FileDescriptor(open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC));
}

// Whether no description of it is out. Nobody can send one meanwhile but who holds the mutex.
bool is_unused(int fd) { return set_lock(fd, F_WRLCK) && set_lock(fd, F_UNLCK); }

}  // namespace

// A child may have been forked in the middle of a change: it only closes what there is.
void FilePool::forget_parents_files() {
  if (generation_ == os::fork_generation()) return;
  for (Kept& kept : kept_) kept = {};
  generation_ = os::fork_generation();
}

FileDescriptor FilePool::take(std::uint64_t size) {
  const os::ShortLock guard(mutex_);
  forget_parents_files();
  std::uint64_t bytes = size;
  for (const Kept& kept : kept_) bytes += kept.size;
  for (Kept& kept : kept_) {
    // Of about that size: what it lacks is added, what it has too much is freed.
    const bool would_do = kept.file.is_open() && kept.size / 2 <= size && size / 2 <= kept.size &&
                          bytes - kept.size <= kMostBytes;
    if (!would_do || !is_unused(kept.file.get())) continue;
    FileDescriptor file = open_again(kept.file.get());
    if (!file.is_open() || !set_lock(file.get(), F_RDLCK)) continue;
    if (kept.size != size && ftruncate(file.get(), static_cast<off_t>(size)) != 0) continue;
    kept.size = size;
    return file;
  }
  return {};
}

// So that one more of this size can be kept.
void FilePool::make_room(std::uint64_t size) {
  std::uint64_t bytes = size;
  for (const Kept& kept : kept_) bytes += kept.size;
  for (std::size_t i = 0; i < kMostFiles; ++i) {
    Kept& oldest = kept_[(next_ + i) % kMostFiles];
    if (i > 0 && bytes <= kMostBytes) return;
    bytes -= oldest.size;
    oldest = {};
  }
}

void FilePool::keep(const FileDescriptor& file, std::uint64_t size) {
  if (size > kMostBytes) return;
  FileDescriptor again = open_again(file.get());
  if (!again.is_open() || !set_lock(file.get(), F_RDLCK)) return;
  const os::ShortLock guard(mutex_);
  forget_parents_files();
  make_room(size);
  kept_[next_] = {std::move(again), size};
  next_ = (next_ + 1) % kMostFiles;
}

}  // namespace nativeconc::shared
