// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// A queue of messages between processes: many producers, many consumers, in the order in which they
// were put. A message is lost only with the process that has not yet put it, or has just taken it.
//
// Any thread of any process that has the memory; a Queue is one process's view of it, and a forked
// child may go on with its parent's. Nothing needs repair after a death: see queue_ends.hpp. A
// process that is stopped while it has an end locked holds up those who want the same end, until
// their deadlines.
//
// Invariants: nobody waits for room, or for a message, with a mutex held; whoever waits looks again
// after a slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/shared/byte_ring.hpp"
#include "nativeconc/shared/file_pool.hpp"
#include "nativeconc/shared/mail.hpp"
#include "nativeconc/shared/queue_ends.hpp"
#include "nativeconc/shared/queue_layout.hpp"
#include "nativeconc/shared/thread_directory.hpp"
#include "nativeconc/sync/spin.hpp"

namespace nativeconc::shared {

class Queue {
 public:
  enum class [[nodiscard]] Outcome {
    done,
    timed_out,    // still full, or still empty; or busy all the time
    busy,         // try_put, try_take: somebody else had the end locked
    interrupted,  // a signal came
    closed,       // put: closed before all was put; take: closed, and nothing is left
    failed,       // error() of the system
    big,          // try_take: the next message has more bytes
  };

  struct Result {
    Outcome outcome;
    int error = 0;
  };

  static constexpr std::uint64_t kAnySize = ~std::uint64_t{0};

  // Bytes of shared memory for a ring of so many.
  static constexpr std::uint64_t bytes_for(std::uint64_t ring_bytes) {
    return sizeof(QueueLayout) + ring_bytes;
  }

  // Makes an empty queue of memory that is all zero. Throws SharedError.
  static void begin(std::byte* memory, std::uint64_t capacity);

  // Over bytes_for(ring_bytes) of such memory; ring_bytes is a multiple of 8. Where there is no
  // mail, messages take no files along. Throws SharedError if the memory is not a queue, or belongs
  // to processes that know threads by other numbers.
  Queue(std::byte* memory, std::uint64_t ring_bytes, std::unique_ptr<Mail> mail);

  std::uint64_t capacity() const { return ends_.capacity; }
  const Mail* mail() const { return mail_.get(); }
  // Where the files of its messages come from; null where they take none along. Lives as it does.
  FilePool* files() { return mail_ == nullptr ? nullptr : &files_; }
  // Whether a message could ever be put.
  bool could_fit(const Outgoing& message) const { return ends_.fits({}, {}, message); }

  // Puts as many of the messages as fit at once, *done of them; `timed_out` if not all. `me` is
  // this_thread_number() here and below. Waits for the lock of the end at most, which is had in a
  // moment unless its holder is stopped; with the GIL only if that deadline has passed.
  Result try_put(ThreadNumber me, std::span<const Outgoing> messages, Deadline deadline,
                 std::size_t* done);
  // Puts them all, waiting for room; *done of them if it does not say `done`. Blocks.
  Result put(ThreadNumber me, std::span<const Outgoing> messages, Deadline deadline,
             std::size_t* done);

  // Takes up to `most` messages that are there now, none of more than `most_bytes`, and appends
  // them. Says `done` if there was any. Waits as try_put does. Both may throw std::bad_alloc, and
  // have then taken nothing.
  Result try_take(ThreadNumber me, std::size_t most, std::uint64_t most_bytes, Deadline deadline,
                  std::vector<Incoming>* taken);
  // The same, waiting for the first. Blocks.
  Result take(ThreadNumber me, std::size_t most, Deadline deadline, std::vector<Incoming>* taken);

  // From now on nothing can be put. Blocks, but only for whoever is putting just now; `done`,
  // `timed_out` or `interrupted`.
  Outcome close(ThreadNumber me, Deadline deadline);
  bool is_closed() const { return layout_->closed.load(std::memory_order_acquire) != 0; }

  // Of a snapshot.
  std::uint64_t size() const;
  std::uint64_t used_bytes() const;  // of the capacity
  bool is_full() const;              // even for the smallest message

 private:
  using Ends = QueueEnds<QueueLayout, ByteRing, Mail>;
  enum class Locked { yes, timed_out, interrupted };

  static Locked lock(RobustMutex& mutex, ThreadNumber me, Deadline deadline);
  bool has_much_room() const;
  bool make_room_in_mail(ThreadNumber me, const Outgoing& next);
  Outcome await(QueueSide& side, std::uint64_t commit, sync::SpinHabit& spins, Deadline deadline);

  QueueLayout* layout_;
  std::unique_ptr<Mail> mail_;
  FilePool files_;
  Ends ends_;
  sync::SpinHabit spins_for_room_;
  sync::SpinHabit spins_for_messages_;
};

}  // namespace nativeconc::shared
