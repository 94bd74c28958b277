// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/creation.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <utility>

#include "nativeconc/os/memory_budget.hpp"
#include "nativeconc/os/process_identity.hpp"
#include "nativeconc/shared/shared_error.hpp"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U  // since Linux 6.3
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // since Linux 5.14
#endif

namespace nativeconc::shared {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kHugePage = 2 << 20;
constexpr std::uint64_t kLeastStep = 1 << 20;

// The check reads several files of /proc and /sys, which would cost more than a small segment: it
// is made once for so many bytes.
constexpr std::uint64_t kUnchecked = 1 << 20;
// Page tables, and what the process needs beside its data.
constexpr std::uint64_t kSpare = 4 << 20;

std::atomic<std::uint64_t> unchecked{0};

void check_space(std::uint64_t size) {
  // relaxed: a count of bytes that orders nothing
  const std::uint64_t since = unchecked.fetch_add(size, std::memory_order_relaxed) + size;
  if (since < kUnchecked) return;
  unchecked.store(0, std::memory_order_relaxed);
  const std::uint64_t available = os::available_memory();
  if (available >= kSpare && size + size / 512 <= available - kSpare) return;
  throw SharedError(SharedFault::full, ENOMEM,
                    "no memory for " + std::to_string(size) +
                        " bytes of shared memory: " + std::to_string(available) +
                        " bytes are free on this machine, or left by the limit of its cgroup");
}

SharedError cannot_reserve(std::uint64_t size, bool named, int code) {
  const std::string what = "cannot reserve " + std::to_string(size) + " bytes ";
  if (code == ENOSPC && named) {
    return {SharedFault::full, code, what + "in " + std::string(kNamesFolder) + ": it is full"};
  }
  if (code == ENOSPC || code == ENOMEM || code == EFBIG || code == EDQUOT) {
    return {SharedFault::full, code, what + "of shared memory: " + std::strerror(code)};
  }
  return {SharedFault::system, code, what + "of shared memory: " + std::strerror(code)};
}

FileDescriptor create_file(const std::string& name) {
  if (!name.empty()) {
    sweep_if_due();
    refuse_if_taken(name);
    return create_unnamed_file();
  }
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  FileDescriptor file(memfd_create("nativeconc", kFlags | MFD_NOEXEC_SEAL));
  if (!file.is_open() && errno == EINVAL) {
    file = FileDescriptor(memfd_create("nativeconc", kFlags));
  }
  if (!file.is_open() || fchmod(file.get(), S_IRUSR | S_IWUSR) != 0) {
    throw SharedError(SharedFault::system, errno,
                      std::string("cannot create shared memory: ") + std::strerror(errno));
  }
  return file;
}

SegmentHeader plan_for(SegmentPlan plan, const CreationOptions& options) {
  if (options.huge_pages) plan.data_alignment = kHugePage;
  return plan_header(plan);
}

}  // namespace

Creation::Creation(const SegmentPlan& plan, CreationOptions options)
    : options_(std::move(options)), meta_(plan.meta), header_(plan_for(plan, options_)) {
  if (!options_.name.empty()) static_cast<void>(path_of(options_.name));
  if (meta_.size() > kMaxMeta) {
    throw std::invalid_argument("the description of the data has " + std::to_string(meta_.size()) +
                                " bytes; at most " + std::to_string(kMaxMeta) +
                                " can be kept beside it");
  }
  if (header_.size > kMaxSize) {
    throw SharedError(SharedFault::full, EFBIG,
                      "a segment has at most " + std::to_string(kMaxSize) + " bytes, not " +
                          std::to_string(header_.size));
  }
  check_space(header_.size);
  file_ = create_file(options_.name);
  if (ftruncate(file_.get(), static_cast<off_t>(header_.file_size)) != 0) {
    throw cannot_reserve(header_.size, !options_.name.empty(), errno);
  }
  if (options_.huge_pages) {
    // Before anything is reserved: only pages that are still missing become huge.
    mapping_.emplace(file_.get(), header_.file_size, Access::read_write, header_.data_offset,
                     kHugePage);
    madvise(mapping_->base() + header_.data_offset, header_.file_size - header_.data_offset,
            MADV_HUGEPAGE);
    const std::uint64_t head = kPage + header_.meta_offset + header_.meta_size;
    while (!reserve(0, std::min(header_.data_offset, head))) {
    }
    reserved_ = header_.data_offset;
  }
}

bool Creation::step() {
  const std::uint64_t begin = reserved_;
  const std::uint64_t end = std::min(begin + step_, header_.file_size);
  if (begin == end) return false;
  const bool needs_mapping = options_.huge_pages || options_.prefault;
  if (needs_mapping && !mapping_) {
    mapping_.emplace(file_.get(), header_.file_size, Access::read_write);
  }
  // Only pages that are still missing become huge, so those are touched before they are reserved.
  const bool is_done = options_.huge_pages
                           ? populate(begin, end) && reserve(begin, end)
                           : reserve(begin, end) && (!options_.prefault || populate(begin, end));
  if (is_done) {
    reserved_ = end;
  } else {
    // A signal came, and some kernels undo the whole step then: take smaller ones.
    step_ = std::max(step_ / 2, kLeastStep);
  }
  return reserved_ < header_.file_size;
}

bool Creation::reserve(std::uint64_t begin, std::uint64_t end) const {
  if (fallocate(file_.get(), 0, static_cast<off_t>(begin), static_cast<off_t>(end - begin)) == 0) {
    return true;
  }
  if (errno == EINTR) return false;
  throw cannot_reserve(header_.size, !options_.name.empty(), errno);
}

bool Creation::populate(std::uint64_t begin, std::uint64_t end) const {
  if (madvise(mapping_->base() + begin, end - begin, MADV_POPULATE_WRITE) == 0) return true;
  if (errno == EINVAL) return true;  // an older kernel: the pages come when they are used
  if (errno == EINTR || errno == EAGAIN) return false;
  // The page that is missing could not be had.
  throw cannot_reserve(header_.size, !options_.name.empty(), errno == EFAULT ? ENOSPC : errno);
}

void Creation::write_header() {
  const os::ProcessIdentity self = os::this_process();
  header_.id = make_segment_id();
  header_.creator_pid = self.pid;
  header_.creator_start_time = self.start_time;
  header_.pid_namespace = self.pid_namespace;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  header_.created_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  header_.checksum = checksum_of(header_, meta_);
  std::memcpy(mapping_->base(), &header_, sizeof header_);
  std::copy(meta_.begin(), meta_.end(),
            reinterpret_cast<char*>(mapping_->base()) + header_.meta_offset);
}

std::byte* Creation::data() {
  if (!mapping_) mapping_.emplace(file_.get(), header_.file_size, Access::read_write);
  return mapping_->base() + header_.data_offset;
}

std::unique_ptr<Segment> Creation::finish() {
  static_cast<void>(data());
  write_header();
  if (options_.name.empty()) {
    fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  } else {
    publish(file_, options_.name);
  }
  return std::make_unique<Segment>(std::move(file_), std::move(*mapping_), header_, meta_,
                                   options_.name);
}

}  // namespace nativeconc::shared
