// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Which reader-writer locks a thread holds for reading, and how many times each.
//
// Written by its own thread alone, without a lock; others may ask `holds` at any time, and get an
// answer that is exact while that thread waits (it then changes nothing).
// Locks are known by numbers that are never reused.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace nativeconc::deadlock {

class ReadHolds {
 public:
  struct Hold {
    std::atomic<std::uint64_t> lock{0};  // 0: this place is free
    std::uint32_t count = 0;             // only its own thread looks at it
  };

  ReadHolds() = default;
  ReadHolds(const ReadHolds&) = delete;
  ReadHolds& operator=(const ReadHolds&) = delete;
  ~ReadHolds() {
    for (Block* block = first_.next.load(std::memory_order_relaxed); block != nullptr;) {
      const std::unique_ptr<Block> last(block);
      block = last->next.load(std::memory_order_relaxed);
    }
  }

  // Own thread: the hold of this lock, or null.
  Hold* find(std::uint64_t lock) { return find_place(lock); }

  // Own thread: does it hold any lock?
  bool any() const {
    for (const Block* block = &first_; block != nullptr;
         block = block->next.load(std::memory_order_relaxed)) {
      for (const Hold& hold : block->holds) {
        if (hold.lock.load(std::memory_order_relaxed) != 0) return true;
      }
    }
    return false;
  }

  // Own thread: a free place, so that taking the lock cannot fail afterwards; null if there is no
  // memory. It becomes a hold when `lock` is set.
  Hold* free_place() {
    if (Hold* place = find_place(0)) return place;
    Block* last = &first_;
    while (Block* next = last->next.load(std::memory_order_relaxed)) last = next;
    auto* block = new (std::nothrow) Block;
    if (block == nullptr) return nullptr;
    // release: pairs with the acquire in holds()
    last->next.store(block, std::memory_order_release);
    return block->holds.data();
  }

  // What the owner of this record said last, while it waits, of how far its wait to read has come:
  // a number that means something to the reader-writer lock, or kNotBegun.
  static constexpr std::uint64_t kNotBegun = ~std::uint64_t{0};
  std::atomic<std::uint64_t> progress{kNotBegun};

  // Own thread: it is about to wait to read a lock, of which `has_let_in(rwlock, progress)` tells
  // whether it has let in a thread that has come so far. 0 ends it.
  using HasLetIn = bool (*)(const void* rwlock, std::uint64_t progress);
  void begin_entering(std::uint64_t lock, const void* rwlock, HasLetIn has_let_in) {
    progress.store(kNotBegun, std::memory_order_relaxed);
    rwlock_ = rwlock;
    has_let_in_ = has_let_in;
    // release: a child forked from here on finds the rest in place
    entering_.store(lock, std::memory_order_release);
  }
  void end_entering() { entering_.store(0, std::memory_order_relaxed); }

  // In a child just forked, for a thread that is lost: a lock that had let it in, although it had
  // not run since, counts as held.
  void settle_after_fork() {
    const std::uint64_t lock = entering_.load(std::memory_order_relaxed);
    if (lock == 0 || !has_let_in_(rwlock_, progress.load(std::memory_order_relaxed))) return;
    entered_.store(lock, std::memory_order_relaxed);
  }

  // Any thread.
  bool holds(std::uint64_t lock) const {
    if (entered_.load(std::memory_order_relaxed) == lock) return true;
    for (const Block* block = &first_; block != nullptr;
         block = block->next.load(std::memory_order_acquire)) {
      for (const Hold& hold : block->holds) {
        // acquire: whoever sees the hold sees how far the wait for it had come
        if (hold.lock.load(std::memory_order_acquire) == lock) return true;
      }
    }
    return false;
  }

 private:
  struct Block {
    std::array<Hold, 4> holds{};
    std::atomic<Block*> next{nullptr};
  };

  Hold* find_place(std::uint64_t lock) {
    for (Block* block = &first_; block != nullptr;
         block = block->next.load(std::memory_order_relaxed)) {
      for (Hold& hold : block->holds) {
        if (hold.lock.load(std::memory_order_relaxed) == lock) return &hold;
      }
    }
    return nullptr;
  }

  Block first_;
  std::atomic<std::uint64_t> entering_{0};
  std::atomic<std::uint64_t> entered_{0};  // of a lost thread: see settle_after_fork
  const void* rwlock_ = nullptr;
  HasLetIn has_let_in_ = nullptr;
};

}  // namespace nativeconc::deadlock
