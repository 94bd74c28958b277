// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/segment_header.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

constexpr std::uint64_t kCacheLine = 64;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

constexpr std::uint64_t kFnvPrime = 0x100000001b3ULL;

// FNV-1a: it finds damage, not malice.
std::uint64_t add_bytes(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * kFnvPrime;
  return hash;
}

// The same by words, since every attach does it. A multiplication carries only upwards, so the high
// half is folded into the low one.
std::uint64_t add_words(std::uint64_t hash, const void* words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, static_cast<const char*>(words) + i * sizeof word, sizeof word);
    hash = (hash ^ word) * kFnvPrime;
    hash ^= hash >> 32;
  }
  return hash;
}

// An unsigned sum that says when it is out of bounds.
bool lies_within(std::uint64_t offset, std::uint64_t size, std::uint64_t end) {
  return offset <= end && size <= end - offset;
}

SegmentHeader copy_of(HeaderBytes bytes) {
  SegmentHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

std::string find_fault(const SegmentHeader& h, std::uint64_t file_size) {
  if (h.kind < SegmentKind::buffer || h.kind > SegmentKind::queue) {
    return "it is of an unknown kind";
  }
  if (h.file_size != file_size) return "its size is not what its header says";
  if (h.block_count == 0 || h.block_count > kMaxBlocks || h.slot_count > kMaxSlots ||
      h.lane_count > kMaxLanes || h.block_size > kMaxSize || h.size > kMaxSize ||
      h.meta_size > kMaxMeta) {
    return "its header is out of bounds";
  }
  const bool is_arena = h.kind == SegmentKind::arena;
  if ((is_arena && h.slot_count == 0) || (!is_arena && (h.block_count != 1 || h.slot_count != 0)) ||
      h.size != h.block_size * h.block_count) {
    return "its header contradicts itself";
  }
  const std::uint64_t states = std::uint64_t{h.block_count} * (sizeof(BlockState) + h.lane_count);
  const std::uint64_t holds =
      hold_words(h.block_count) * sizeof(std::uint64_t) * std::uint64_t{h.slot_count};
  if (h.blocks_offset < kBlockStates || h.blocks_offset % kCacheLine != 0 ||
      h.holds_offset % kCacheLine != 0 || h.data_offset % 4096 != 0 ||
      !lies_within(h.blocks_offset, states, h.holds_offset) ||
      !lies_within(h.holds_offset, holds, h.meta_offset) ||
      !lies_within(h.meta_offset, h.meta_size, h.data_offset) ||
      !lies_within(h.data_offset, h.size, file_size)) {
    return "its parts overlap";
  }
  return {};
}

}  // namespace

SegmentId make_segment_id() {
  SegmentId id;
  if (getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id)) {
    throw SharedError(SharedFault::system, errno, "no random number for a new segment");
  }
  return id;
}

SegmentHeader plan_header(const SegmentPlan& plan) {
  SegmentHeader h{};
  h.magic = SegmentHeader::kMagic;
  h.version = SegmentHeader::kVersion;
  h.kind = plan.kind;
  h.size = plan.block_size * plan.block_count;
  h.block_size = plan.block_size;
  h.block_count = plan.block_count;
  h.slot_count = plan.slot_count;
  h.lane_count = plan.lane_count;
  h.blocks_offset = kBlockStates;
  h.holds_offset =
      round_up(lanes_offset(h) + std::uint64_t{plan.block_count} * plan.lane_count, kCacheLine);
  h.meta_offset =
      h.holds_offset + hold_words(plan.block_count) * sizeof(std::uint64_t) * plan.slot_count;
  h.meta_size = plan.meta.size();
  h.data_offset = round_up(h.meta_offset + h.meta_size, plan.data_alignment);
  h.file_size = round_up(h.data_offset + h.size, 4096);
  return h;
}

std::uint64_t checksum_of(const SegmentHeader& header, std::string_view meta) {
  constexpr std::size_t kWords = offsetof(SegmentHeader, checksum) / sizeof(std::uint64_t);
  static_assert(kWords * sizeof(std::uint64_t) == offsetof(SegmentHeader, checksum));
  return add_bytes(add_words(0xcbf29ce484222325ULL, &header, kWords), meta);
}

std::string parse_header(HeaderBytes bytes, std::uint64_t file_size, SegmentHeader* header) {
  const SegmentHeader h = copy_of(bytes);
  if (h.magic != SegmentHeader::kMagic) return "it was not made by nativeconc";
  if (h.version != SegmentHeader::kVersion) return "another version of nativeconc made it";
  std::string fault = find_fault(h, file_size);
  if (fault.empty()) *header = h;
  return fault;
}

std::string check_sum(const SegmentHeader& header, std::string_view meta) {
  return checksum_of(header, meta) == header.checksum ? "" : "its checksum is wrong";
}

}  // namespace nativeconc::shared
