// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What a producer and a consumer of a queue do while they hold the mutex of their end: the steps
// that must survive a death between any two of them. Nothing here waits.
//
// The two ends share nothing but the bytes between them. Each has a ledger (ledger.hpp) of what has
// passed it, which it alone writes, and which the other reads to know how far it may go:
//
//   consumers' position <= producers' position <= consumers' position + size of the ring
//
// A message is a frame and its bytes, in the ring; a big one has files besides, which travel in
// the mail (mail.hpp) under a tag that is used once. Whoever dies
//   - before its ledger moves on has put, or taken, nothing: what it has written lies where nobody
//     reads, and letters that it has mailed have tags that no message names;
//   - afterwards has done all of it; a letter that it has not dropped has the tag of a message that
//     is gone.
// Tags grow with the messages, so letters with smaller tags than the next message's are rubbish,
// and whoever reads the mail throws them away.
//
// Invariants: every committed message with a tag has its letter in the mail, until a consumer that
// commits it drops the letter; only consumers read the mail, or whoever has both ends locked.
//
// The templates are for the model, which runs these very functions over atomics of its own.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/file_descriptor.hpp"
#include "nativeconc/shared/ledger.hpp"
#include "nativeconc/shared/message_file.hpp"

namespace nativeconc::shared {

// The head of a message in the ring.
struct Frame {
  std::uint64_t size = 0;     // bytes that follow; the next frame begins at a multiple of 8
  std::uint64_t outside = 0;  // bytes in its files
  std::uint64_t tag = 0;      // of the letter with its files; 0: there is none
};
static_assert(sizeof(Frame) == 24);

constexpr std::uint64_t frame_bytes(std::uint64_t size) {
  return sizeof(Frame) + (size + 7) / 8 * 8;
}

// A message to be put. It only refers to what it is made of.
struct Outgoing {
  std::span<const std::byte> bytes;
  // Files that it takes along, at most kMaxLetterFiles. If it has bytes outside the ring, the first
  // is a MessageFile with them.
  std::uint64_t outside = 0;
  std::span<const int> files{};
};

// A message that was taken.
struct Incoming {
  std::unique_ptr<std::byte[]> bytes;
  std::uint64_t size = 0;
  bool has_files = false;
  std::vector<FileDescriptor> files;  // none, all the same, if the mail has lost its letter
  MessageMapping outside;
};

enum class [[nodiscard]] Step {
  done,    // all that was asked for
  full,    // there is no room for more, in the ring or in the mail
  empty,   // there are no more
  big,     // the next one has more bytes than the caller wants now
  closed,  // nothing more may be put; nothing more will come
  failed,  // the system refuses; see the error
};

// The process's view of one queue.
template <class Layout, class Ring, class Mail>
struct QueueEnds {
  Layout& shared;
  Ring ring;
  std::uint64_t capacity;  // bytes of messages, frames included, in the ring and beside it
  Mail* mail;              // null: no files

  bool fits(const Passed& produced, const Passed& consumed, const Outgoing& message) const {
    const std::uint64_t in_ring = produced.position - consumed.position;
    const std::uint64_t beside = produced.outside - consumed.outside;
    const std::uint64_t frame = frame_bytes(message.bytes.size());
    return in_ring + frame <= ring.size() && in_ring + beside + frame + message.outside <= capacity;
  }

  // With the producers' mutex: puts messages, in one go, as long as they fit; *done of them.
  Step put(std::span<const Outgoing> messages, std::size_t* done, int* error) {
    *done = 0;
    // Under the mutex, as it is set: so nothing is put after close() has returned.
    if (shared.closed.load(std::memory_order_acquire) != 0) return Step::closed;
    Passed mine = shared.producers.ledger.current();
    const Passed theirs = shared.consumers.ledger.read();
    Step step = Step::done;
    for (const Outgoing& message : messages) {
      if (!fits(mine, theirs, message)) {
        step = Step::full;
        break;
      }
      Frame frame{message.bytes.size(), message.outside, 0};
      if (!message.files.empty()) {
        step = post(message.files, &frame.tag, error);
        if (step != Step::done) break;
      }
      fault_point();
      ring.write(mine.position, std::as_bytes(std::span(&frame, 1)));
      fault_point();
      ring.write(mine.position + sizeof frame, message.bytes);
      fault_point();
      mine.position += frame_bytes(frame.size);
      mine.outside += frame.outside;
      ++mine.messages;
      ++*done;
    }
    if (*done > 0) shared.producers.ledger.publish(mine);
    return step;
  }

  // With the consumers' mutex: takes up to `most` messages, as long as each has at most
  // `most_bytes`, and appends them.
  Step take(std::size_t most, std::uint64_t most_bytes, std::vector<Incoming>* taken, int* error) {
    // Before the producers' ledger: when it is set, nothing more comes.
    const bool is_closed = shared.closed.load(std::memory_order_acquire) != 0;
    Passed mine = shared.consumers.ledger.current();
    const Passed theirs = shared.producers.ledger.read();
    const std::uint64_t there = theirs.messages - mine.messages;
    const std::size_t enough = taken->size() + most;
    taken->reserve(taken->size() + std::min<std::uint64_t>(most, there));
    Step step = Step::done;
    bool is_behind = false;  // messages are copied that the ledger does not have yet
    while (taken->size() < enough) {
      if (mine.messages == theirs.messages) {
        step = is_closed ? Step::closed : Step::empty;
        break;
      }
      Incoming message;
      Frame frame;
      step = copy_next(mine, theirs, most_bytes, &frame, &message, error);
      if (step != Step::done) break;
      mine.position += frame_bytes(frame.size);
      mine.outside += frame.outside;
      ++mine.messages;
      taken->push_back(std::move(message));
      is_behind = true;
      if (frame.tag == 0) continue;
      // Its letter can be dropped only when it is committed, and only the first letter can be seen.
      shared.consumers.ledger.publish(mine);
      is_behind = false;
      fault_point();
      mail->drop(frame.tag);
    }
    if (is_behind) shared.consumers.ledger.publish(mine);
    return step;
  }

  // With both mutexes: makes room in the mail, if all that is in it is rubbish.
  void purge_mail() {
    if (shared.consumers.ledger.current() == shared.producers.ledger.current()) {
      mail->drop(shared.next_tag.load(std::memory_order_relaxed));
    }
  }

 private:
  // Mails the files of the next message.
  Step post(std::span<const int> files, std::uint64_t* tag, int* error) {
    *tag = shared.next_tag.load(std::memory_order_relaxed) + 1;
    shared.next_tag.store(*tag, std::memory_order_relaxed);
    fault_point();
    return mail->post(*tag, files, error);
  }

  Step copy_next(const Passed& mine, const Passed& theirs, std::uint64_t most_bytes, Frame* frame,
                 Incoming* message, int* error) const {
    ring.read(mine.position, std::as_writable_bytes(std::span(frame, 1)));
    // What lies there was written by others, who may have been wrong.
    const std::uint64_t there = theirs.position - mine.position;
    if (frame->size > there || frame_bytes(frame->size) > there ||
        (frame->tag != 0 && mail == nullptr)) {
      *error = EBADMSG;
      return Step::failed;
    }
    if (frame->size > most_bytes) return Step::big;
    message->bytes.reset(new (std::nothrow) std::byte[frame->size]);
    if (message->bytes == nullptr) {
      *error = ENOMEM;
      return Step::failed;
    }
    message->size = frame->size;
    message->has_files = frame->tag != 0;
    ring.read(mine.position + sizeof *frame, {message->bytes.get(), frame->size});
    if (frame->tag != 0) *error = mail->peek(frame->tag, &message->files);
    if (*error == 0 && frame->outside > 0 && !message->files.empty()) {
      *error = message->outside.map(message->files[0].get());
    }
    fault_point();
    return *error == 0 ? Step::done : Step::failed;
  }
};

}  // namespace nativeconc::shared
