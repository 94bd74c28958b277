// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A hash table from key words to the states of their groups.
//
// One thread at a time. Invariants: at most half of the slots are taken; memory is asked for by
// find() alone, which says so if there is none. A key lies in the first free slot from its hash on
// (linear probing; Knuth, TAOCP 3, 6.4, algorithm L).
#pragma once

#include <algorithm>
#include <utility>

#include "nativeconc/kernels/mixed_bits.hpp"
#include "nativeconc/kernels/work_memory.hpp"

namespace nativeconc::kernels {

template <class State>
class GroupTable {
 public:
  std::int64_t size() const { return n_; }

  // The state of a key's group, made from zeros if it is new. Null: no memory. `hash` is
  // mixed_bits(key); its lower bits are used.
  State* find(std::uint64_t key, std::uint64_t hash) {
    if (key == kFree) return special();
    if (2 * n_ >= n_slots_ && !grow()) return nullptr;
    Slot& slot = slot_of(key, hash);
    if (slot.key != key) {
      slot = Slot{key, State{}};
      ++n_;
    }
    return &slot.state;
  }

  // use(key, state) for every group, in any order.
  template <class Use>
  void visit(const Use& use) const {
    for (std::int64_t i = 0; i < n_slots_; ++i) {
      if (slots_[i].key != kFree) use(slots_[i].key, slots_[i].state);
    }
    if (has_special_) use(kFree, special_);
  }

 private:
  struct Slot {
    std::uint64_t key;
    State state;
  };

  // Marks a free slot. A key may have these bits too; its group stands apart.
  static constexpr std::uint64_t kFree = 0x8b5fd2e7039c641aU;
  static constexpr std::int64_t kFirstSlots = 64;

  State* special() {
    if (!has_special_) ++n_;
    has_special_ = true;
    return &special_;
  }

  Slot& slot_of(std::uint64_t key, std::uint64_t hash) const {
    const auto mask = static_cast<std::uint64_t>(n_slots_ - 1);
    std::uint64_t at = hash & mask;
    while (true) {
      Slot& slot = slots_[static_cast<std::int64_t>(at)];
      if (slot.key == key || slot.key == kFree) return slot;
      at = (at + 1) & mask;
    }
  }

  // Fourfold while that is cheap, so that few keys have many slots.
  bool grow() {
    constexpr std::int64_t kCheap = 1 << 12;
    GroupTable larger;
    larger.n_slots_ = n_slots_ == 0 ? kFirstSlots : (n_slots_ < kCheap ? 4 : 2) * n_slots_;
    if (!larger.slots_.try_allocate(larger.n_slots_)) return false;
    std::fill_n(larger.slots_.data(), larger.n_slots_, Slot{kFree, State{}});
    for (std::int64_t i = 0; i < n_slots_; ++i) {
      const Slot& slot = slots_[i];
      if (slot.key != kFree) larger.slot_of(slot.key, mixed_bits(slot.key)) = slot;
    }
    slots_ = std::move(larger.slots_);
    n_slots_ = larger.n_slots_;
    return true;
  }

  WorkMemory<Slot> slots_;
  std::int64_t n_slots_ = 0;  // 0 or a power of two
  std::int64_t n_ = 0;
  State special_{};
  bool has_special_ = false;
};

}  // namespace nativeconc::kernels
