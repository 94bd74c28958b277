// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/file_pool.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <string>

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

// All pools of the process.
os::ShortMutex all_pools_mutex;
FilePool* all_pools = nullptr;

}  // namespace

FilePool::FilePool() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  const os::ShortLock guard(all_pools_mutex);
  after_ = all_pools;
  if (after_ != nullptr) after_->before_ = this;
  all_pools = this;
}

FilePool::~FilePool() {
  const os::ShortLock guard(all_pools_mutex);
  if (after_ != nullptr) after_->before_ = before_;
  (before_ != nullptr ? before_->after_ : all_pools) = after_;
}

void FilePool::before_fork() { all_pools_mutex.lock(); }
void FilePool::after_fork_in_parent() { all_pools_mutex.unlock(); }

// Another thread of the parent may have been in the middle of a change: of whatever it was, this
// sees descriptors that are open, or none.
void FilePool::after_fork_in_child() {
  for (FilePool* pool = all_pools; pool != nullptr; pool = pool->after_) {
    for (Kept& kept : pool->kept_) kept = {};
  }
  all_pools_mutex.unlock();
}

FileDescriptor FilePool::take(std::uint64_t size) {
  const os::ShortLock guard(mutex_);
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

void FilePool::clear() {
  const os::ShortLock guard(mutex_);
  for (Kept& kept : kept_) kept = {};
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
  make_room(size);
  kept_[next_] = {std::move(again), size};
  next_ = (next_ + 1) % kMostFiles;
}

}  // namespace nativeconc::shared
