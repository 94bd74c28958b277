// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/memory.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "nativeconc/shared/creation.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

SharedError gone() {
  return {SharedFault::not_found, ENOENT,
          "the shared memory of this handle is gone: nobody held it until the handle arrived"};
}

}  // namespace

FileDescriptor reopen(int fd, Access access) {
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  const int mode = access == Access::read_only ? O_RDONLY : O_RDWR;
  FileDescriptor file(open(self.c_str(), mode | O_CLOEXEC));
  if (!file.is_open()) {
    throw SharedError(SharedFault::system, errno,
                      std::string("cannot open shared memory: ") + std::strerror(errno));
  }
  return file;
}

bool was_received(int fd, const Handle& handle) {
  std::string meta;
  const SegmentHeader header = read_header(fd, "what a handle means", &meta);
  return header.id == handle.id && Segment::was_received(fd, handle.block, handle.flight, header);
}

// The mutex, and what is to be destroyed after it.
class Memory::Guard {
 public:
  explicit Guard(Memory& memory) : memory_(memory) {
    memory_.mutex_.lock();
    if (memory_.just_forked_) memory_.settle_after_fork(doomed);
  }
  ~Guard() { memory_.mutex_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  Doomed doomed;

 private:
  Memory& memory_;
};

// Never destroyed: objects of the interpreter give their leases back at any time. Made when the
// library is loaded, so that no fork finds it half made.
Memory& Memory::instance() {
  static auto* const memory = new Memory;
  return *memory;
}

namespace {
[[maybe_unused]] const Memory& made_early = Memory::instance();
}  // namespace

Memory::Memory() { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

Lease Memory::take_block(std::uint64_t size, bool zeroed) {
  Lease lease;
  if (size > Arena::kMaxBlock) return lease;
  const int size_class = Arena::class_of(size);
  bool is_fresh = false;
  while (!take_from(size_class, &lease, &is_fresh)) add_arena(size_class);
  lease.size = size;
  if (zeroed && !is_fresh) std::memset(lease.data, 0, size);
  return lease;
}

bool Memory::take_from(int size_class, Lease* lease, bool* is_fresh) {
  const Guard guard(*this);
  // Blocks that were lent are looked at only when there is no other: each look may ask the kernel.
  for (const bool reclaim : {false, true}) {
    for (Entry* entry : classes_[static_cast<std::size_t>(size_class)]) {
      if (reclaim) entry->arena->reclaim();
      const std::int64_t block = entry->arena->take(is_fresh);
      if (block < 0) continue;
      ++entry->uses;
      lease->segment = entry->segment.get();
      lease->block = static_cast<std::uint32_t>(block);
      lease->data = lease->segment->block(lease->block);
      lease->generation = entry->arena->generation(lease->block);
      return true;
    }
  }
  return false;
}

void Memory::add_arena(int size_class) {
  std::uint64_t blocks = 0;
  {
    const Guard guard(*this);
    for (const Entry* entry : classes_[static_cast<std::size_t>(size_class)]) {
      blocks += entry->arena->size();
    }
  }
  Creation creation(Arena::plan(size_class, blocks), {});
  while (creation.step()) {
  }
  auto entry = std::make_unique<Entry>();
  entry->segment = creation.finish();
  entry->arena = std::make_unique<Arena>(*entry->segment, true);
  entry->uses = 1;
  const Guard guard(*this);
  classes_[static_cast<std::size_t>(size_class)].push_back(entry.get());
  entries_.emplace(key_of(*entry->segment), std::move(entry));
}

Lease Memory::add(std::unique_ptr<Segment> segment) {
  auto entry = std::make_unique<Entry>();
  entry->segment = std::move(segment);
  entry->uses = 1;
  Guard guard(*this);
  const Key key = key_of(*entry->segment);
  const auto [at, is_new] = entries_.try_emplace(key, nullptr);
  if (is_new) {
    at->second = std::move(entry);
  } else {  // another thread has opened it meanwhile
    ++at->second->uses;
    guard.doomed.push_back(std::move(entry));
  }
  Segment* const here = at->second->segment.get();
  return {here, 0, here->block(0), here->header().size, 0};
}

Lease Memory::open(std::string_view name, Access access) {
  sweep_if_due();
  HeldFile file = open_held(name, access);
  if (file.header.kind == SegmentKind::arena) {
    throw SharedError(SharedFault::damaged, EINVAL,
                      "what is named '" + std::string(name) + "' is not a usable segment");
  }
  {
    const Guard guard(*this);
    const auto found = entries_.find(Key{file.header.id, access});
    if (found != entries_.end()) {
      ++found->second->uses;
      Segment* const here = found->second->segment.get();
      return {here, 0, here->block(0), here->header().size, 0};
    }
  }
  return add(std::make_unique<Segment>(std::move(file), access, std::string(name)));
}

void Memory::release(const Lease& lease) {
  Guard guard(*this);
  Entry& entry = entry_of(*lease.segment);
  if (entry.arena) {
    entry.arena->release(lease.block);
    if (entry.arena->is_owner() && entry.arena->is_unused()) {
      retire_spare(entry.segment->header().block_size, guard.doomed);
    }
  }
  drop_use(entry, guard.doomed);
}

void Memory::drop_use(Entry& entry, Doomed& doomed) {
  if (--entry.uses > 0) return;
  const auto found = entries_.find(key_of(*entry.segment));
  doomed.push_back(std::move(found->second));
  entries_.erase(found);
}

// Gives back the biggest arena that is not in use, if the others have blocks to spare: half as many
// as it has, so that the next few blocks do not make it anew.
void Memory::retire_spare(std::uint64_t block_size, Doomed& doomed) {
  auto& arenas = classes_[static_cast<std::size_t>(Arena::class_of(block_size))];
  Entry* spare = nullptr;
  std::size_t free_blocks = 0;
  for (Entry* entry : arenas) {
    free_blocks += entry->arena->free_blocks();
    if (!entry->arena->is_unused()) continue;
    if (spare == nullptr || entry->arena->size() > spare->arena->size()) spare = entry;
  }
  if (spare == nullptr) return;
  free_blocks -= spare->arena->free_blocks();
  if (free_blocks < spare->arena->size() / 2) return;
  std::erase(arenas, spare);
  drop_use(*spare, doomed);
}

void Memory::trim() {
  Guard guard(*this);
  for (auto& arenas : classes_) {
    const auto spare = std::partition(arenas.begin(), arenas.end(), [](const Entry* entry) {
      return !entry->arena->is_unused();
    });
    for (auto at = spare; at != arenas.end(); ++at) drop_use(**at, guard.doomed);
    arenas.erase(spare, arenas.end());
  }
}

Handle Memory::send(const Lease& lease) {
  Segment& segment = *lease.segment;
  segment.share_file();
  return {segment.header().id, lease.block, lease.generation, segment.mark_in_flight(lease.block),
          lease.size};
}

bool Memory::arrived(const Lease& lease, const Handle& handle) {
  return !lease.segment->is_in_flight(lease.block, handle.flight);
}

Lease Memory::lease_of(Entry& entry, const Handle& handle) {
  Segment& segment = *entry.segment;
  const std::uint64_t most = segment.header().block_size;
  const bool is_sound =
      entry.arena ? handle.size <= most : handle.size == most && handle.block == 0;
  if (!is_sound) {
    throw SharedError(SharedFault::damaged, EINVAL, "the handle does not fit its shared memory");
  }
  if (entry.arena && !entry.arena->hold(handle.block, handle.generation)) throw gone();
  ++entry.uses;
  return {&segment, handle.block, segment.block(handle.block), handle.size,
          entry.arena ? handle.generation : 0};
}

Lease Memory::receive(const Handle& handle, Access access) {
  Lease lease;
  {
    Guard guard(*this);
    const auto found = entries_.find(Key{handle.id, access});
    if (found == entries_.end()) return lease;
    lease = lease_of(*found->second, handle);
  }
  lease.segment->mark_received(lease.block, handle.flight);
  return lease;
}

Lease Memory::receive(const Handle& handle, Access access, FileDescriptor file) {
  std::string meta;
  const SegmentHeader header = read_header(file.get(), "what a handle means", &meta);
  if (header.id != handle.id) throw gone();
  if (header.kind == SegmentKind::arena && access == Access::read_only) {
    throw SharedError(SharedFault::damaged, EINVAL,
                      "a block of an arena is for reading and writing");
  }
  auto entry = std::make_unique<Entry>();
  entry->segment = std::make_unique<Segment>(std::move(file), access, header);
  if (entry->segment->is_arena()) entry->arena = std::make_unique<Arena>(*entry->segment, false);
  Lease lease;
  {
    Guard guard(*this);
    // Another thread may have been quicker; then this entry dies unused.
    const auto [at, is_new] = entries_.try_emplace(Key{handle.id, access}, nullptr);
    if (is_new) at->second = std::move(entry);
    try {
      lease = lease_of(*at->second, handle);
    } catch (const SharedError&) {
      if (is_new) {
        guard.doomed.push_back(std::move(at->second));
        entries_.erase(at);
      }
      throw;
    }
  }
  lease.segment->mark_received(lease.block, handle.flight);
  return lease;
}

Lease Memory::receive(const Handle& handle, Access access, std::string_view name) {
  const Lease lease = open(name, access);
  if (lease.segment->header().id != handle.id || lease.size != handle.size) {
    release(lease);
    throw gone();
  }
  lease.segment->mark_received(lease.block, handle.flight);
  return lease;
}

void Memory::leave_names() {
  const Guard guard(*this);
  for (auto& [key, entry] : entries_) entry->segment->leave_name();
}

void Memory::before_fork() {
  Memory& memory = instance();
  memory.mutex_.lock();
  for (auto& [key, entry] : memory.entries_) {
    entry->segment->share_file();
    if (entry->arena) entry->arena->prepare_child();
  }
}

void Memory::after_fork_in_parent() {
  Memory& memory = instance();
  for (auto& [key, entry] : memory.entries_) {
    if (entry->arena) entry->arena->settle_in_parent();
  }
  memory.mutex_.unlock();
}

void Memory::after_fork_in_child() {
  Memory& memory = instance();
  for (auto& [key, entry] : memory.entries_) {
    if (entry->arena) entry->arena->settle_in_child(*entry->segment);
  }
  memory.just_forked_ = true;
  memory.mutex_.unlock();
}

// The rest of what a child has to do: it frees memory, which a child just forked should not.
void Memory::settle_after_fork(Doomed& doomed) {
  just_forked_ = false;
  std::vector<Entry*> parents;
  for (auto& arenas : classes_) {
    parents.insert(parents.end(), arenas.begin(), arenas.end());
    arenas.clear();
  }
  for (Entry* entry : parents) {
    entry->arena->disown();
    drop_use(*entry, doomed);
  }
}

}  // namespace nativeconc::shared
