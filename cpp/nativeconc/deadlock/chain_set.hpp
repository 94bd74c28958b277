// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The chains of locks that have been checked already, known by their 64-bit hashes: a thread that
// goes down a chain which is in here need not ask the lock-order graph again.
//
// Any thread, guarded by the caller, const members too. Never blocks and never throws. When more
// than a maximum is in it, or memory is short, it forgets: that is correct, chains are then checked
// again. A forked child goes on with what it finds.
//
// Open addressing: a key lies in the first free slot from its home on, so a search ends at a free
// slot. Invariant: at least half of the slots are free. Key 0 is like any other, but kept apart: in
// a slot it means "free".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace nativeconc::deadlock {

class ChainSet {
 public:
  // Memory: 16 to 32 bytes a key.
  explicit ChainSet(std::size_t max_keys) : max_keys_(max_keys) {}
  ChainSet(const ChainSet&) = delete;
  ChainSet& operator=(const ChainSet&) = delete;

  bool contains(std::uint64_t key) const noexcept {
    if (key == 0) return has_zero_;
    return n_slots_ != 0 && slots_[slot_of(slots_.get(), n_slots_, key)] == key;
  }

  void insert(std::uint64_t key) noexcept {
    if (contains(key)) return;
    if (size_ >= max_keys_) clear();
    if (max_keys_ == 0) return;
    if (key == 0) {
      has_zero_ = true;
    } else {
      if (2 * (size_ + 1) > n_slots_ && !grow()) return;
      slots_[slot_of(slots_.get(), n_slots_, key)] = key;
    }
    ++size_;
  }

  std::size_t size() const noexcept { return size_; }

  void clear() noexcept {
    slots_.reset();
    n_slots_ = size_ = 0;
    has_zero_ = false;
  }

 private:
  static constexpr std::size_t kFirstSlots = 64;

  // Where the key is, or would be.
  static std::size_t slot_of(const std::uint64_t* slots, std::size_t n_slots, std::uint64_t key) {
    const std::uint64_t mixed = (key ^ (key >> 32)) * 0x9e37'79b9'7f4a'7c15;
    std::size_t slot = (mixed ^ (mixed >> 32)) & (n_slots - 1);
    while (slots[slot] != 0 && slots[slot] != key) slot = (slot + 1) & (n_slots - 1);
    return slot;
  }

  bool grow() noexcept {
    const std::size_t n_slots = n_slots_ == 0 ? kFirstSlots : 2 * n_slots_;
    std::unique_ptr<std::uint64_t[]> slots(new (std::nothrow) std::uint64_t[n_slots]());
    if (slots == nullptr) return false;
    for (std::size_t i = 0; i < n_slots_; ++i) {
      if (slots_[i] != 0) slots[slot_of(slots.get(), n_slots, slots_[i])] = slots_[i];
    }
    slots_ = std::move(slots);
    n_slots_ = n_slots;
    return true;
  }

  const std::size_t max_keys_;
  std::unique_ptr<std::uint64_t[]> slots_;
  std::size_t n_slots_ = 0;  // a power of two, or 0
  std::size_t size_ = 0;
  bool has_zero_ = false;
};

}  // namespace nativeconc::deadlock
