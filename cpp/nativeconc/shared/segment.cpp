// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

constexpr std::uint64_t kPage = 4096;

SharedError cannot_map(std::uint64_t size, int code) {
  const std::string what = "cannot map " + std::to_string(size) + " bytes: ";
  if (code == ENOMEM) {
    return {SharedFault::full, code,
            what +
                "the address space (RLIMIT_AS) or the number of mappings (vm.max_map_count) of "
                "this process is used up"};
  }
  return {SharedFault::system, code, what + std::strerror(code)};
}

}  // namespace

Mapping::Mapping(int fd, std::uint64_t size, Access access, std::uint64_t data_offset,
                 std::uint64_t alignment)
    : protection_(access == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE), size_(size) {
  if (alignment <= kPage) {
    void* at = mmap(nullptr, size, protection_, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) throw cannot_map(size, errno);
    base_ = static_cast<std::byte*>(at);
    return;
  }
  // Take more room than needed, put the file at the right place in it, and give the rest back.
  void* room = mmap(nullptr, size + alignment, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) throw cannot_map(size, errno);
  auto* const start = static_cast<std::byte*>(room);
  const auto data = reinterpret_cast<std::uintptr_t>(start) + data_offset;
  const std::uint64_t skip = (alignment - data % alignment) % alignment;
  void* at = mmap(start + skip, size, protection_, MAP_SHARED | MAP_FIXED, fd, 0);
  if (at == MAP_FAILED) {
    const int code = errno;
    munmap(room, size + alignment);
    throw cannot_map(size, code);
  }
  base_ = static_cast<std::byte*>(at);
  if (skip > 0) munmap(start, skip);
  const std::uint64_t used = skip + (size + kPage - 1) / kPage * kPage;
  if (used < size + alignment) munmap(start + used, size + alignment - used);
}

Mapping::Mapping(Mapping&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      protection_(other.protection_),
      size_(other.size_) {}

Mapping::~Mapping() { unmap(); }

void Mapping::unmap() {
  if (base_ != nullptr) munmap(std::exchange(base_, nullptr), size_);
}

bool Mapping::remap(int fd) const {
  return mmap(base_, size_, protection_, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
}

Segment::Segment(FileDescriptor file, Access access, const SegmentHeader& header)
    : file_(std::move(file)),
      access_(access),
      header_(header),
      mapping_(file_.get(), header.file_size, access),
      holds_(mapping_.base(), header) {}

Segment::Segment(HeldFile file, Access access, std::string name)
    : file_(std::move(file.file)),
      access_(access),
      name_(std::move(name)),
      meta_(std::move(file.meta)),
      header_(file.header),
      mapping_(file_.get(), header_.file_size, access),
      holds_(mapping_.base(), header_) {}

Segment::Segment(FileDescriptor file, Mapping mapping, SegmentHeader header, std::string meta,
                 std::string name)
    : file_(std::move(file)),
      access_(Access::read_write),
      name_(std::move(name)),
      meta_(std::move(meta)),
      header_(header),
      mapping_(std::move(mapping)),
      holds_(mapping_.base(), header_) {}

Segment::~Segment() {
  mapping_.unmap();
  if (name_.empty()) return;
  if (!is_file_shared_.load(std::memory_order_relaxed)) {
    leave(file_, name_);
    return;
  }
  file_.close();
  remove_if_unheld(name_);
}

bool Segment::replace_file(int fd) {
  if (!mapping_.remap(fd)) return false;
  file_ = FileDescriptor(fd);
  return true;
}

void Segment::leave_name() {
  if (name_.empty()) return;
  const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
  FileDescriptor unlocked(
      open(self.c_str(), (access_ == Access::read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!unlocked.is_open() || !mapping_.remap(unlocked.get())) return;
  file_ = std::move(unlocked);
  remove_if_unheld(name_);
}

// Where this process may only read, the file is opened anew for a moment.
template <class Use>
bool Segment::use_flights(std::uint32_t block, Use use) const {
  if (access_ == Access::read_write) {
    use(holds_.in_flight(block));
    return true;
  }
  const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
  const FileDescriptor file(open(self.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) return false;
  const std::uint64_t head = header_.data_offset;
  void* base = mmap(nullptr, head, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (base == MAP_FAILED) return false;
  use(BlockHolds(static_cast<std::byte*>(base), header_).in_flight(block));
  munmap(base, head);
  return true;
}

int Segment::mark_in_flight(std::uint32_t block) const {
  int handle = -1;
  use_flights(block, [&handle](std::atomic<std::uint32_t>& flights) {
    for (std::uint32_t now = flights.load(); ~now != 0;) {
      const int free = std::countr_one(now);
      if (flights.compare_exchange_weak(now, now | std::uint32_t{1} << free)) {
        handle = free;
        return;
      }
    }
  });
  return handle;
}

void Segment::mark_received(std::uint32_t block, int handle) const {
  if (handle < 0) return;
  use_flights(block, [handle](std::atomic<std::uint32_t>& flights) {
    flights.fetch_and(~(std::uint32_t{1} << handle));
  });
}

bool Segment::is_in_flight(std::uint32_t block, int handle) const {
  if (handle < 0) return true;
  return (holds_.in_flight(block).load() >> handle & 1) != 0;
}

}  // namespace nativeconc::shared
