// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The first bytes of every segment: what it is, and where in the file everything lies.
//
// A segment is a memfd or a file in /dev/shm:
//
//   0             SegmentHeader
//   kArenaState   ArenaState
//   blocks_offset BlockState[block_count], and behind them
//                 std::uint8_t[block_count][lane_count]: handles on their way, segment.hpp
//   holds_offset  std::uint64_t[slot_count][hold_words(block_count)]; arenas alone: block_holds.hpp
//   meta_offset   meta_size bytes that the core does not read (an array's dtype and shape)
//   data_offset   block_count blocks of block_size bytes; a multiple of the page size
//
// A plain segment (a buffer, an array) is one block of exactly `size` bytes.
//
// Invariants: the header and the meta bytes are written before anybody else can open the file, and
// never again; ArenaState, BlockStates and rows of bits change, by atomic operations alone. Nothing
// is read through a mapping before parse_header() has accepted a copy: a file may be shorter than
// it says.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace nativeconc::shared {

struct SegmentId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const SegmentId&) const = default;
};

// A random one. Throws SharedError if the system has no random numbers.
SegmentId make_segment_id();

enum class SegmentKind : std::uint32_t {
  buffer = 1,
  array = 2,
  arena = 3,
  threads = 4,    // thread_directory.hpp
  primitive = 5,  // a lock or the like; the meta bytes say which
  queue = 6,
};

struct SegmentHeader {
  static constexpr std::uint64_t kMagic = 0x314d48'53434e'2e8bULL;
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t magic;
  std::uint32_t version;
  SegmentKind kind;
  SegmentId id;
  std::uint64_t size;  // what the user asked for; of an arena all blocks together
  std::uint64_t file_size;
  std::uint64_t data_offset;
  std::uint64_t block_size;
  std::uint32_t block_count;
  std::uint32_t slot_count;  // 0 except in arenas
  std::uint64_t blocks_offset;
  std::uint64_t holds_offset;
  std::uint64_t meta_offset;
  std::uint64_t meta_size;
  std::int32_t creator_pid;
  std::uint32_t lane_count;  // handles of a block that can be on their way at the same time
  std::uint64_t creator_start_time;
  std::uint64_t pid_namespace;
  std::int64_t created_ns;  // since 1970
  std::uint64_t checksum;   // of all above, and of the meta bytes
};
static_assert(sizeof(SegmentHeader) == 144);
static_assert(offsetof(SegmentHeader, id) == 16);
static_assert(offsetof(SegmentHeader, block_count) == 64);
static_assert(offsetof(SegmentHeader, creator_pid) == 104);
static_assert(offsetof(SegmentHeader, lane_count) == 108);
static_assert(offsetof(SegmentHeader, checksum) == 136);
static_assert(std::is_standard_layout_v<SegmentHeader>);
static_assert(std::is_trivially_copyable_v<SegmentHeader>);

// Who takes part in an arena.
struct ArenaState {
  std::atomic<std::uint64_t> claims;    // bit i: slot i is somebody's
  std::atomic<std::uint32_t> no_reuse;  // 1: a process holds blocks here that no slot tells of
  std::atomic<std::uint32_t> moves;     // how often a process has begun to hold something
};
static_assert(sizeof(ArenaState) == 16);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

inline constexpr std::uint64_t kArenaState = 192;
inline constexpr std::uint64_t kBlockStates = 256;

// One block's part of the bookkeeping.
struct BlockState {
  std::atomic<std::uint32_t> generation;  // how often the block was given out; tells old handles
  std::uint32_t padding;
};
static_assert(sizeof(BlockState) == 8);

// Where the lanes of the first block lie.
constexpr std::uint64_t lanes_offset(const SegmentHeader& header) {
  return header.blocks_offset + std::uint64_t{header.block_count} * sizeof(BlockState);
}

// Words of one slot's row of bits, one bit a block.
constexpr std::uint64_t hold_words(std::uint32_t block_count) { return (block_count + 63ULL) / 64; }

// What a new segment should be.
struct SegmentPlan {
  SegmentKind kind = SegmentKind::buffer;
  std::uint64_t block_size = 0;
  std::uint32_t block_count = 1;
  std::uint32_t slot_count = 0;
  std::string_view meta;
  std::uint64_t data_alignment = 4096;  // of data_offset: a power of two, at least a page
  std::uint32_t lane_count = 1024;
};

inline constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 46;
inline constexpr std::uint64_t kMaxMeta = 1 << 20;
inline constexpr std::uint32_t kMaxBlocks = 1 << 16;
inline constexpr std::uint32_t kMaxSlots = 64;
inline constexpr std::uint32_t kMaxLanes = 1 << 12;

// Where everything lies; the checksum is not there yet.
SegmentHeader plan_header(const SegmentPlan& plan);

std::uint64_t checksum_of(const SegmentHeader& header, std::string_view meta);

// The raw bytes of a header, as a file has them.
using HeaderBytes = std::span<const std::byte, sizeof(SegmentHeader)>;

// Reads the header of a file of `file_size` bytes; any bytes whatever are safe. Returns why it is
// no segment, and an empty string if it may be one: then check_sum() decides, which needs the meta
// bytes.
std::string parse_header(HeaderBytes bytes, std::uint64_t file_size, SegmentHeader* header);
std::string check_sum(const SegmentHeader& header, std::string_view meta);

}  // namespace nativeconc::shared
