// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr int kLaneBits = 16;

constexpr std::uint32_t lane_of(int handle) {
  return static_cast<std::uint32_t>(handle) & ((1U << kLaneBits) - 1);
}
constexpr std::uint8_t count_of(int handle) {
  return static_cast<std::uint8_t>(handle >> kLaneBits);
}

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
void Segment::use_lanes(std::uint32_t block, Use use) const {
  if (access_ == Access::read_write) {
    use(holds_.lanes(block));
    return;
  }
  const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
  const FileDescriptor file(open(self.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) return;
  const std::uint64_t head = header_.data_offset;
  void* base = mmap(nullptr, head, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (base == MAP_FAILED) return;
  use(BlockHolds(static_cast<std::byte*>(base), header_).lanes(block));
  munmap(base, head);
}

int Segment::mark_in_flight(std::uint32_t block) const {
  // A lane that was free a moment ago is the last to be taken again, so that its count comes round
  // as late as can be. relaxed: any number will do
  static constinit std::atomic<std::uint32_t> next{0};
  int handle = -1;
  use_lanes(block, [&handle](std::span<std::atomic<std::uint8_t>> lanes) {
    const std::uint32_t first = next.fetch_add(1, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < lanes.size() && handle < 0; ++i) {
      const auto lane = static_cast<std::uint32_t>((first + i) % lanes.size());
      std::uint8_t now = lanes[lane].load();
      const auto taken = static_cast<std::uint8_t>(now + 1);
      if (now % 2 == 0 && lanes[lane].compare_exchange_strong(now, taken)) {
        handle = static_cast<int>(lane | std::uint32_t{taken} << kLaneBits);
      }
    }
  });
  return handle;
}

void Segment::mark_received(std::uint32_t block, int handle) const {
  if (handle < 0) return;
  use_lanes(block, [handle](std::span<std::atomic<std::uint8_t>> lanes) {
    const std::uint32_t lane = lane_of(handle);
    std::uint8_t taken = count_of(handle);
    if (lane >= lanes.size() || taken % 2 == 0) return;
    lanes[lane].compare_exchange_strong(taken, static_cast<std::uint8_t>(taken + 1));
  });
}

bool Segment::is_in_flight(std::uint32_t block, int handle) const {
  if (handle < 0) return true;
  const auto lanes = holds_.lanes(block);
  const std::uint32_t lane = lane_of(handle);
  return lane < lanes.size() && lanes[lane].load() == count_of(handle);
}

bool Segment::was_received(int fd, std::uint32_t block, int handle, const SegmentHeader& header) {
  const std::uint32_t lane = handle < 0 ? header.lane_count : lane_of(handle);
  if (block >= header.block_count || lane >= header.lane_count) return false;
  const std::uint64_t at = lanes_offset(header) + std::uint64_t{block} * header.lane_count + lane;
  std::uint8_t now = 0;
  return pread(fd, &now, 1, static_cast<off_t>(at)) == 1 && now != count_of(handle);
}

}  // namespace nativeconc::shared
