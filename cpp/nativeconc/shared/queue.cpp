// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/queue.hpp"

#include <cerrno>
#include <utility>

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::shared {
namespace {

using Outcome = Queue::Outcome;

class Unlock {
 public:
  explicit Unlock(RobustMutex& mutex) : mutex_(mutex) {}
  ~Unlock() { mutex_.unlock(); }
  Unlock(const Unlock&) = delete;
  Unlock& operator=(const Unlock&) = delete;

 private:
  RobustMutex& mutex_;
};

// What a step that did not do all means for somebody who does not wait.
Outcome outcome_of(Step step) {
  switch (step) {
    case Step::done:
      return Outcome::done;
    case Step::full:
    case Step::empty:
      return Outcome::timed_out;
    case Step::big:
      return Outcome::big;
    case Step::closed:
      return Outcome::closed;
    case Step::failed:
      break;
  }
  return Outcome::failed;
}

}  // namespace

void Queue::begin(std::byte* memory, std::uint64_t capacity) {
  auto* const layout = reinterpret_cast<QueueLayout*>(memory);
  layout->capacity = capacity;
  layout->directory = directory_id();
}

Queue::Queue(std::byte* memory, std::uint64_t ring_bytes, std::unique_ptr<Mail> mail)
    : layout_(reinterpret_cast<QueueLayout*>(memory)),
      mail_(std::move(mail)),
      ends_{*layout_, ByteRing(memory + sizeof(QueueLayout), ring_bytes), layout_->capacity,
            mail_.get()} {
  if (layout_->directory == directory_id() && layout_->capacity > 0) return;
  throw SharedError(SharedFault::damaged, EINVAL,
                    "the queue cannot be used: all processes that knew its users have ended");
}

Queue::Locked Queue::lock(RobustMutex& mutex, ThreadNumber me, Deadline deadline) {
  switch (mutex.lock(me, deadline)) {
    case RobustMutex::Taken::timed_out:
      return Locked::timed_out;
    case RobustMutex::Taken::interrupted:
      return Locked::interrupted;
    default:  // there is nothing to repair
      return Locked::yes;
  }
}

// --- the producers' end

Queue::Result Queue::try_put(ThreadNumber me, std::span<const Outgoing> messages, Deadline deadline,
                             std::size_t* done) {
  *done = 0;
  QueueSide& side = layout_->producers;
  const Locked locked = lock(side.mutex, me, deadline);
  if (locked == Locked::interrupted) return {Outcome::interrupted};
  if (locked == Locked::timed_out) return {Outcome::busy};
  int error = 0;
  Step step;
  {
    const Unlock unlock(side.mutex);
    step = ends_.put(messages, done, &error);
    if (step == Step::full && *done == 0 && make_room_in_mail(me, messages[0])) {
      step = ends_.put(messages, done, &error);
    }
    fault_point();
  }
  fault_point();
  if (*done > 0) side.bell.ring(*done);
  return {outcome_of(step), error};
}

// Where there is room for the message, but none in the mail: perhaps all letters there belong to
// messages that died with their producers, and nobody reads them.
bool Queue::make_room_in_mail(ThreadNumber me, const Outgoing& next) {
  if (next.files.empty()) return false;
  const Passed mine = layout_->producers.ledger.current();
  const Passed theirs = layout_->consumers.ledger.read();
  if (mine.messages != theirs.messages || !ends_.fits(mine, theirs, next)) return false;
  // With the producers' mutex held: so not for long. No consumer ever wants that one.
  RobustMutex& mutex = layout_->consumers.mutex;
  if (lock(mutex, me, Deadline::expired()) != Locked::yes) return false;
  const Unlock unlock(mutex);
  ends_.purge_mail();
  return true;
}

Queue::Result Queue::put(ThreadNumber me, std::span<const Outgoing> messages, Deadline deadline,
                         std::size_t* done) {
  *done = 0;
  for (;;) {
    // What consumers take from now on is a reason to look again.
    const std::uint64_t commit = layout_->consumers.ledger.commit();
    std::size_t some = 0;
    const Result result = try_put(me, messages.subspan(*done), deadline, &some);
    *done += some;
    if (result.outcome != Outcome::timed_out && result.outcome != Outcome::busy) return result;
    if (deadline.has_passed()) return {Outcome::timed_out};
    const Outcome waited = await(layout_->consumers, commit, spins_for_room_, deadline);
    if (waited == Outcome::interrupted) return {waited};
  }
}

// --- the consumers' end

// Producers that wait for room are not called for each message that leaves: whoever is called to a
// queue that is nearly full will soon sleep again. While three quarters are full consumers have
// enough to do, and who waits for room looks after a slice.
bool Queue::has_much_room() const {
  const Passed consumed = layout_->consumers.ledger.read();
  const Passed produced = layout_->producers.ledger.read();
  const std::uint64_t in_ring = produced.position - consumed.position;
  const std::uint64_t used = in_ring + produced.outside - consumed.outside;
  return produced.messages == consumed.messages ||
         (in_ring <= ends_.ring.size() / 4 * 3 && used <= ends_.capacity / 4 * 3);
}

Queue::Result Queue::try_take(ThreadNumber me, std::size_t most, std::uint64_t most_bytes,
                              Deadline deadline, std::vector<Incoming>* taken) {
  QueueSide& side = layout_->consumers;
  const Locked locked = lock(side.mutex, me, deadline);
  if (locked == Locked::interrupted) return {Outcome::interrupted};
  if (locked == Locked::timed_out) return {Outcome::busy};
  const std::size_t before = taken->size();
  int error = 0;
  Step step;
  {
    const Unlock unlock(side.mutex);
    step = ends_.take(most, most_bytes, taken, &error);
    fault_point();
  }
  fault_point();
  const std::uint64_t count = taken->size() - before;
  if (count == 0) return {outcome_of(step), error};
  if (side.bell.may_have_sleepers() && has_much_room()) side.bell.ring(count);
  return {Outcome::done};
}

Queue::Result Queue::take(ThreadNumber me, std::size_t most, Deadline deadline,
                          std::vector<Incoming>* taken) {
  for (;;) {
    const std::uint64_t commit = layout_->producers.ledger.commit();
    const Result result = try_take(me, most, kAnySize, deadline, taken);
    if (result.outcome != Outcome::timed_out && result.outcome != Outcome::busy) return result;
    if (deadline.has_passed()) return {Outcome::timed_out};
    const Outcome waited = await(layout_->producers, commit, spins_for_messages_, deadline);
    if (waited == Outcome::interrupted) return {waited};
  }
}

// --- both

// Waits, for a slice at most, until the side's ledger is no longer what it was at that commit.
Outcome Queue::await(QueueSide& side, std::uint64_t commit, sync::SpinHabit& spins,
                     Deadline deadline) {
  const bool was_closed = is_closed();
  const auto has_changed = [&] {
    return side.ledger.commit() != commit || is_closed() != was_closed;
  };
  if (has_changed() || spins.spin(has_changed)) return Outcome::done;
  return side.bell.sleep(has_changed, deadline) == os::FutexResult::interrupted
             ? Outcome::interrupted
             : Outcome::done;
}

Outcome Queue::close(ThreadNumber me, Deadline deadline) {
  RobustMutex& mutex = layout_->producers.mutex;
  const Locked locked = lock(mutex, me, deadline);
  if (locked == Locked::interrupted) return Outcome::interrupted;
  if (locked == Locked::timed_out) return Outcome::timed_out;
  layout_->closed.store(1);
  fault_point();
  mutex.unlock();
  layout_->producers.bell.ring_for_all();
  fault_point();
  layout_->consumers.bell.ring_for_all();
  return Outcome::done;
}

std::uint64_t Queue::size() const {
  // In this order: a message that is put and taken in between is not missing from the first.
  const Passed consumed = layout_->consumers.ledger.read();
  const Passed produced = layout_->producers.ledger.read();
  return produced.messages - consumed.messages;
}

std::uint64_t Queue::used_bytes() const {
  const Passed consumed = layout_->consumers.ledger.read();
  const Passed produced = layout_->producers.ledger.read();
  return produced.position - consumed.position + produced.outside - consumed.outside;
}

bool Queue::is_full() const {
  const Passed consumed = layout_->consumers.ledger.read();
  return !ends_.fits(layout_->producers.ledger.read(), consumed, {});
}

}  // namespace nativeconc::shared
