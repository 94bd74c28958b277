// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What producers and consumers of a queue share in the model: a mutex that whoever comes next takes
// from the dead, as RobustMutex is; a mail whose letters outlive their senders; and around them the
// very ledgers, bells and ends that shared::Queue uses.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fiber_explorer.hpp"
#include "nativeconc/shared/bell.hpp"
#include "nativeconc/shared/byte_ring.hpp"
#include "nativeconc/shared/ledger.hpp"
#include "nativeconc/shared/queue_ends.hpp"

namespace nativeconc::shared::queue_model {

using fibers::Explorer;

constexpr std::size_t kNobodyHas = ~std::size_t{0};
constexpr std::uint64_t kRing = 88;  // two messages; the third goes round

// --- what is shared

struct ModelFutex {
  static os::FutexResult sleep(const fibers::Atomic<std::uint32_t>& word, std::uint32_t expected,
                               Deadline) {
    Explorer::step();
    Explorer::note(word.peek());
    if (word.peek() == expected) Explorer::sleep(&word);
    return os::FutexResult::woken;
  }
  static bool wake_one(const fibers::Atomic<std::uint32_t>& word) {
    Explorer::step();
    const bool is_woken = Explorer::wake_one(&word);
    Explorer::note(is_woken ? 1 : 0);
    return is_woken;
  }
  static void wake_all(const fibers::Atomic<std::uint32_t>& word) {
    Explorer::step();
    while (Explorer::wake_one(&word)) {
    }
  }
};

struct ModelMutex {
  std::size_t owner = kNobodyHas;

  void lock() {
    Explorer::step_when([this] { return owner == kNobodyHas || Explorer::is_dead(owner); });
    owner = Explorer::self();
  }
  bool try_lock() {
    Explorer::step();
    const bool is_free = owner == kNobodyHas || Explorer::is_dead(owner);
    Explorer::note(is_free ? 1 : 0);
    if (is_free) owner = Explorer::self();
    return is_free;
  }
  void unlock() {
    Explorer::step();
    owner = kNobodyHas;
  }
};

struct ModelSide {
  ModelMutex mutex;
  BasicBell<fibers::Atomic, ModelFutex> bell;
  BasicLedger<fibers::Atomic> ledger;
};

struct ModelLayout {
  ModelSide producers;
  ModelSide consumers;
  fibers::Atomic<std::uint64_t> next_tag;
  fibers::Atomic<std::uint32_t> closed;
};

struct Letter {
  std::uint64_t tag;
  int file;
};

struct World {
  ModelLayout layout;
  std::array<std::byte, kRing> bytes{};
  std::deque<Letter> mail;

  std::string content() const {
    std::string text(reinterpret_cast<const char*>(&layout), sizeof layout);
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const Letter& letter : mail) {
      text.append(reinterpret_cast<const char*>(&letter), sizeof letter);
    }
    return text;
  }
};

// Made anew for each run, over zeroed bytes: padding is part of the content.
class Worlds {
 public:
  World& fresh() {
    if (world_ != nullptr) world_->~World();
    std::memset(storage_, 0, sizeof storage_);
    return *(world_ = new (storage_) World());
  }
  World& operator*() const { return *world_; }
  World* operator->() const { return world_; }
  ~Worlds() {
    if (world_ != nullptr) world_->~World();
  }

 private:
  alignas(World) unsigned char storage_[sizeof(World)];
  World* world_ = nullptr;
};

// Copying is one step: half a copy is as good as none to whoever reads too early, and as bad.
struct ModelRing {
  World* world;

  std::uint64_t size() const { return kRing; }
  void write(std::uint64_t position, std::span<const std::byte> bytes) const {
    if (bytes.empty()) return;
    Explorer::step();
    ByteRing(world->bytes.data(), kRing).write(position, bytes);
  }
  void read(std::uint64_t position, std::span<std::byte> bytes) const {
    if (bytes.empty()) return;
    Explorer::step();
    ByteRing(world->bytes.data(), kRing).read(position, bytes);
    for (const std::byte byte : bytes) Explorer::note(static_cast<std::uint64_t>(byte));
  }
};

struct ModelMail {
  World* world;
  std::size_t room;
  mutable int got = 0;  // the file that the last peek() found

  Step post(std::uint64_t tag, std::span<const int> files, int*) const {
    Explorer::step();
    Explorer::note(world->mail.size());
    if (world->mail.size() == room) return Step::full;
    world->mail.push_back({tag, files[0]});
    return Step::done;
  }
  int peek(std::uint64_t tag, std::vector<FileDescriptor>*) const {
    got = 0;
    for (;;) {
      const std::optional<Letter> first = look();
      if (!first || first->tag > tag) return 0;
      if (first->tag == tag) {
        got = first->file;
        return 0;
      }
      discard_first();
    }
  }
  void drop(std::uint64_t tag) const {
    for (;;) {
      const std::optional<Letter> first = look();
      if (!first || first->tag > tag) return;
      discard_first();
    }
  }

 private:
  std::optional<Letter> look() const {
    Explorer::step();
    Explorer::note(world->mail.empty() ? 0 : world->mail.front().tag);
    if (world->mail.empty()) return std::nullopt;
    return world->mail.front();
  }
  void discard_first() const {
    Explorer::step();
    ASSERT_FALSE(world->mail.empty()) << Explorer::path();
    world->mail.pop_front();
  }
};

using Ends = QueueEnds<ModelLayout, ModelRing, ModelMail>;

}  // namespace nativeconc::shared::queue_model
