// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/block_holds.hpp"

#include <fcntl.h>

#include <bit>

namespace nativeconc::shared {
namespace {

// Behind the end of any file.
constexpr std::int64_t kTokens = std::int64_t{1} << 60;

constexpr std::uint64_t bit_of(std::uint64_t number) { return std::uint64_t{1} << (number % 64); }
constexpr std::uint64_t bit_of(int slot) { return bit_of(static_cast<std::uint64_t>(slot)); }

bool set_lock(int fd, int slot, short kind) {
  struct flock lock{};
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  lock.l_start = kTokens + slot;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

}  // namespace

BlockHolds::BlockHolds(std::byte* base, const SegmentHeader& header)
    : state_(reinterpret_cast<ArenaState*>(base + kArenaState)),
      states_(reinterpret_cast<BlockState*>(base + header.blocks_offset)),
      lanes_(reinterpret_cast<std::atomic<std::uint8_t>*>(base + lanes_offset(header))),
      lane_count_(header.lane_count),
      rows_(reinterpret_cast<std::atomic<std::uint64_t>*>(base + header.holds_offset)),
      words_(hold_words(header.block_count)),
      slots_(static_cast<int>(header.slot_count)) {}

int BlockHolds::claim_slot(int fd) const {
  // First what nobody claims; then what only a process that died does.
  for (const bool is_claimed : {false, true}) {
    for (int slot = 0; slot < slots_; ++slot) {
      if (((state_->claims.load() & bit_of(slot)) != 0) != is_claimed) continue;
      if (!set_lock(fd, slot, F_WRLCK)) continue;
      // Whoever had the lock before may have died with bits set, even since we looked.
      wipe(slot);
      state_->claims.fetch_or(bit_of(slot));
      return slot;
    }
  }
  forbid_reuse();
  return kNoSlot;
}

void BlockHolds::give_back_slot(int slot) const { state_->claims.fetch_and(~bit_of(slot)); }

void BlockHolds::forbid_reuse() const {
  state_->no_reuse.store(1);
  state_->moves.fetch_add(1);
}

void BlockHolds::set(int slot, std::uint32_t block) const {
  word(slot, block).fetch_or(bit_of(std::uint64_t{block}));
  state_->moves.fetch_add(1);
}

void BlockHolds::clear(int slot, std::uint32_t block) const {
  word(slot, block).fetch_and(~bit_of(std::uint64_t{block}));
}

bool BlockHolds::is_held(std::uint32_t block) const {
  for (;;) {
    const std::uint32_t moves = state_->moves.load();
    if (sees_holder(block)) return true;
    if (state_->moves.load() == moves) return false;
  }
}

bool BlockHolds::sees_holder(std::uint32_t block) const {
  if (state_->no_reuse.load() != 0) return true;
  for (std::uint64_t claims = state_->claims.load(); claims != 0; claims &= claims - 1) {
    if ((word(std::countr_zero(claims), block).load() & bit_of(std::uint64_t{block})) != 0)
      return true;
  }
  return false;
}

void BlockHolds::forget_the_dead(int fd) const {
  for (std::uint64_t claims = state_->claims.load(); claims != 0; claims &= claims - 1) {
    const int slot = std::countr_zero(claims);
    if (!set_lock(fd, slot, F_WRLCK)) continue;  // its process lives
    wipe(slot);
    give_back_slot(slot);
    set_lock(fd, slot, F_UNLCK);
  }
}

void BlockHolds::wipe(int slot) const {
  for (std::uint64_t i = 0; i < words_; ++i) {
    rows_[static_cast<std::uint64_t>(slot) * words_ + i].store(0);
  }
}

}  // namespace nativeconc::shared
