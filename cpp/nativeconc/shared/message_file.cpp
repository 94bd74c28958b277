// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/message_file.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "nativeconc/os/memory_budget.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

// To look at the limits costs more than a smaller file; and what a big one leaves at least.
constexpr std::uint64_t kUnchecked = 4 << 20;
constexpr std::uint64_t kSpare = 4 << 20;
constexpr std::uint64_t kPiece = 4 << 20;

// What the file has already.
std::uint64_t memory_of(const FileDescriptor& file) {
  struct stat status{};
  if (!file.is_open() || fstat(file.get(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

bool is_room_for(std::uint64_t size, std::uint64_t available) {
  return available >= kSpare && size <= available - kSpare;
}

// Throws SharedError if there is none, even when the pool has given back what it keeps.
void check_room(std::uint64_t size, FilePool& pool) {
  if (size < kUnchecked || is_room_for(size, os::available_memory())) return;
  pool.clear();
  const std::uint64_t available = os::available_memory();
  if (is_room_for(size, available)) return;
  throw SharedError(SharedFault::full, ENOMEM,
                    "no memory for a message of " + std::to_string(size) +
                        " bytes: " + std::to_string(available) +
                        " bytes are free on this machine, or left by the limit of its cgroup");
}

}  // namespace

MessageFile::MessageFile(std::uint64_t size, FilePool& pool) : file_(pool.take(size)) {
  check_room(size - std::min(size, memory_of(file_)), pool);
  if (file_.is_open()) return;
  file_ = FileDescriptor(memfd_create("nativeconc-message", MFD_CLOEXEC));
  if (!file_.is_open()) {
    throw SharedError(SharedFault::system, errno,
                      std::string("cannot make a message: ") + std::strerror(errno));
  }
  pool.keep(file_, size);
}

std::uint64_t MessageFile::place(std::uint64_t size) {
  const std::uint64_t offset = end_;
  end_ += (size + kAlignment - 1) / kAlignment * kAlignment;
  return offset;
}

int MessageFile::write_some(std::uint64_t* offset, std::span<const std::byte>* bytes) const {
  const std::size_t piece = std::min<std::uint64_t>(bytes->size(), kPiece);
  const ssize_t written = pwrite(file_.get(), bytes->data(), piece, static_cast<off_t>(*offset));
  if (written < 0) return errno == EINTR ? 0 : errno;
  *offset += static_cast<std::uint64_t>(written);
  *bytes = bytes->subspan(static_cast<std::size_t>(written));
  return 0;
}

MessageMapping::~MessageMapping() {
  if (base_ != nullptr) munmap(base_, size_);
}

int MessageMapping::map(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return errno;
  if (status.st_size <= 0) return EBADMSG;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  // Private: nobody else writes to it, but a child forked later must not see what its parent does.
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (base == MAP_FAILED) return errno;
  base_ = static_cast<std::byte*>(base);
  size_ = size;
  return 0;
}

}  // namespace nativeconc::shared
