// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A lock between processes that survives the death of its owner. It is sync::Lock in shared memory:
// the same word, the same one compare-and-swap, owners known by their numbers in the directory of
// threads.
//
// Any thread of any process; all zero bytes are a free lock. Only the thread that took it releases
// it. After fork it stays the parent's.
//
// When an owner dies, the next one that asks becomes the owner in its place (`bury`). What happens
// then is its choice: it holds the lock (`acquired_in_doubt`), or it leaves the lock in
// doubt. A lock in doubt is owned by kInDoubt, so nobody can take it; everybody who asks is told,
// until somebody takes it over on purpose and releases it whole.
//
// Invariants:
//   I.   the owner in the word is a thread's number, kInDoubt, or nobody. It changes by
//        compare-and-swap alone, from a dead number or from kInDoubt to the one thread that wins.
//   II.  death() is written by the owner only, before it makes the lock kInDoubt or gives it to
//        anybody; it says who left the lock in doubt, and is not there (found_ns 0) otherwise.
//        Whoever dies before it has made the lock whole does not change it: what is half done is
//        the work of the one before.
//   III. whoever waits looks again after a slice: an owner that died is found then, and so is a
//        lock that is free but kept for a waiter which does not come. Those who only try leave a
//        note for each other when that began (kept_); a wrong one costs a waiter its turn, no more.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/shared/thread_directory.hpp"
#include "nativeconc/sync/lock.hpp"

namespace nativeconc::shared {

// Who left something in doubt.
struct DeadOwner {
  std::int32_t pid = 0;  // 0: not known
  std::int32_t tid = 0;
  std::int64_t found_ns = 0;  // since 1970

  friend bool operator==(const DeadOwner&, const DeadOwner&) = default;
};

class Lock {
 public:
  using Waiter = sync::Waiter;

  // What somebody wants who finds the owner dead, or the lock in doubt.
  enum class IfDead {
    leave_in_doubt,  // not to hold it then
    take_over,       // to hold it all the same
  };

  enum class [[nodiscard]] Entry {
    acquired,
    acquired_in_doubt,  // holds it, and death() says who held it before
    in_doubt,           // does not hold it; death() says why
    timed_out,
    interrupted,
  };

  // `me` is this_thread_number() in all that follows. Takes it if it is free, and nothing else.
  bool try_acquire(ThreadNumber me) { return lock_.try_acquire(me); }

  // See PermitQueue::spin.
  bool spin(ThreadNumber me) { return lock_.spin(me); }

  // Looks at why try_acquire() failed: `timed_out` if a living thread has it, or is to have it.
  // Never blocks.
  Entry look(ThreadNumber me, IfDead if_dead);

  // Waits until it is free, or its owner is dead. Blocks; call it without the GIL.
  Entry acquire(ThreadNumber me, Deadline deadline, Waiter& waiter, IfDead if_dead);

  // The owner, who took it in doubt, has repaired what it protects, and goes on: from now on its
  // own death is what leaves the lock in doubt.
  void make_whole() { found_ns_.store(0, std::memory_order_relaxed); }

  // False, and nothing changes, if this thread does not have it. Whoever took it in doubt has made
  // it whole by this.
  bool release(ThreadNumber me);

  // The same, but the next one is told that it is in doubt, as it was when this thread took it.
  bool release_in_doubt(ThreadNumber me);

  // kNobody if it is free, kInDoubt if it is that.
  static constexpr ThreadNumber kInDoubt = (1U << 31) | 1;
  ThreadNumber owner() const { return lock_.owner(); }
  bool is_owned_by(ThreadNumber me) const { return lock_.owner() == me; }
  bool is_locked() const { return lock_.is_locked(); }

  // Who left it in doubt; found_ns is 0 if it is not. For others than the owner a snapshot.
  DeadOwner death() const;

 private:
  bool bury(ThreadNumber dead, ThreadNumber me);
  bool is_kept_in_vain();
  void write_death(const DeadOwner& death);

  sync::BasicLock<os::Scope::processes> lock_;
  std::atomic<std::int64_t> found_ns_{0};
  std::atomic<std::int32_t> pid_{0};
  std::atomic<std::int32_t> tid_{0};
  // Since when those who only try have found it free but kept for a waiter: milliseconds in the
  // high half; and the low half of the lock's word then.
  std::atomic<std::uint64_t> kept_{0};
};
static_assert(sizeof(Lock) == 40);
static_assert(std::is_standard_layout_v<Lock>);

}  // namespace nativeconc::shared
