// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/arena.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace nativeconc::shared {
namespace {

constexpr std::uint64_t kGrain = 64;
constexpr int kSmallClasses = 8;       // 64, 128 ... 512
constexpr int kClassesOfDoubling = 4;  // then 640, 768, 896, 1024, 1280 ...
constexpr std::uint32_t kLanes = 16;
constexpr std::uint64_t kFirstBytes = 256 << 10;
constexpr std::uint64_t kMaxBytes = 64 << 20;
constexpr std::uint64_t kMaxBlocksOfArena = 8192;

}  // namespace

int Arena::class_of(std::uint64_t size) {
  if (size <= kGrain * kSmallClasses) {
    return size == 0 ? 0 : static_cast<int>((size - 1) / kGrain);
  }
  const int doubling = static_cast<int>(std::bit_width(size - 1)) - 1;  // 2^doubling <= size - 1
  const auto quarter = static_cast<int>((size - 1) >> (doubling - 2) & 3);
  return kSmallClasses + (doubling - 9) * kClassesOfDoubling + quarter;
}

std::uint64_t Arena::class_size(int size_class) {
  if (size_class < kSmallClasses) return kGrain * static_cast<std::uint64_t>(size_class + 1);
  const int above = size_class - kSmallClasses;
  const std::uint64_t base = std::uint64_t{512} << (above / kClassesOfDoubling);
  return base + base / 4 * static_cast<std::uint64_t>(above % kClassesOfDoubling + 1);
}

SegmentPlan Arena::plan(int size_class, std::uint64_t blocks) {
  const std::uint64_t block_size = class_size(size_class);
  const std::uint64_t least = std::min(kFirstBytes / block_size, kMaxBlocksOfArena / 8);
  const std::uint64_t most = std::min(kMaxBytes / block_size, kMaxBlocksOfArena);
  SegmentPlan plan;
  plan.kind = SegmentKind::arena;
  plan.block_size = block_size;
  plan.block_count = static_cast<std::uint32_t>(std::clamp(blocks, least, most));
  plan.slot_count = kMaxSlots;
  plan.lane_count = kLanes;
  return plan;
}

Arena::Arena(const Segment& segment, bool is_owner)
    : segment_(segment),
      holds_(segment.holds()),
      is_owner_(is_owner),
      uses_(segment.header().block_count) {
  if (!is_owner) {
    slot_ = holds_.claim_slot(segment.fd());
    return;
  }
  // The lowest blocks are given out first.
  for (std::uint32_t block = size(); block > 0; --block) free_.push_back(block - 1);
}

Arena::~Arena() {
  if (slot_ != kNoSlot) holds_.give_back_slot(slot_);
}

void Arena::disown() {
  is_owner_ = false;
  free_.clear();
  lent_.clear();
}

std::int64_t Arena::take(bool* is_fresh) {
  while (!free_.empty()) {
    const std::uint32_t block = free_.back();
    free_.pop_back();
    // No handle has generation 0: it is the block that was never given out.
    const std::uint32_t before = holds_.generation(block).load();
    const std::uint32_t next = before + 1 == 0 ? 1 : before + 1;
    holds_.generation(block).store(next);
    if (holds_.is_held(block)) {
      holds_.generation(block).store(before);
      lent_.push_back(block);
      continue;
    }
    free_lanes(block);
    *is_fresh = uses_[block].generation == 0;
    uses_[block] = {1, next};
    ++used_;
    return block;
  }
  return -1;
}

// What handles of the block's former life took, and never arrived.
void Arena::free_lanes(std::uint32_t block) const {
  for (std::atomic<std::uint8_t>& lane : holds_.lanes(block)) {
    const std::uint8_t now = lane.load(std::memory_order_relaxed);
    if (now % 2 == 1) lane.store(static_cast<std::uint8_t>(now + 1), std::memory_order_relaxed);
  }
}

void Arena::reclaim() {
  if (lent_.empty()) return;
  holds_.forget_the_dead(segment_.fd());
  std::erase_if(lent_, [this](std::uint32_t block) {
    const bool is_back = !holds_.is_held(block);
    if (is_back) free_.push_back(block);
    return is_back;
  });
}

bool Arena::hold(std::uint32_t block, std::uint32_t generation) {
  if (block >= size()) return false;
  // A process that holds a block already, or gives the blocks out, need tell nobody.
  Use& use = uses_[block];
  if (use.count > 0) {
    if (use.generation != generation) return false;
    ++use.count;
    return true;
  }
  if (is_owner_) {
    // It comes back from where it was lent; or from nowhere, but nobody has had the block since.
    if (generation == 0 || holds_.generation(block).load() != generation) return false;
    if (std::erase(lent_, block) + std::erase(free_, block) == 0) return false;
    use = {1, generation};
    ++used_;
    return true;
  }
  if (slot_ != kNoSlot) holds_.set(slot_, block);
  if (holds_.generation(block).load() != generation) {
    if (slot_ != kNoSlot) holds_.clear(slot_, block);
    return false;
  }
  use = {1, generation};
  ++used_;
  return true;
}

void Arena::release(std::uint32_t block) {
  if (--uses_[block].count > 0) return;
  --used_;
  if (is_owner_) {
    (holds_.is_held(block) ? lent_ : free_).push_back(block);
  } else if (slot_ != kNoSlot) {
    holds_.clear(slot_, block);
  }
}

int Arena::prepare_child() {
  if (used_ == 0) return -1;
  const std::string self = "/proc/self/fd/" + std::to_string(segment_.fd());
  child_fd_ = open(self.c_str(), O_RDWR | O_CLOEXEC);
  if (child_fd_ < 0) {
    holds_.forbid_reuse();
    return -1;
  }
  child_slot_ = holds_.claim_slot(child_fd_);
  if (child_slot_ == kNoSlot) return -1;
  for (std::uint32_t block = 0; block < size(); ++block) {
    if (uses_[block].count > 0) holds_.set(child_slot_, block);
  }
  return child_slot_;
}

void Arena::settle_in_parent() {
  // The child has the open file, and with it the lock; if there was no fork, the lock goes now.
  if (child_fd_ >= 0) close(std::exchange(child_fd_, -1));
  child_slot_ = kNoSlot;
}

void Arena::settle_in_child(Segment& segment) {
  is_owner_ = false;
  slot_ = std::exchange(child_slot_, kNoSlot);
  // The parent's open file has the parent's lock: to keep it would keep the parent's slot.
  const int fd = std::exchange(child_fd_, -1);
  if (fd >= 0 && !segment.replace_file(fd)) holds_.forbid_reuse();
}

}  // namespace nativeconc::shared
