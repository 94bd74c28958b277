// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Open files on their way from one process to another, which outlive their sender: letters in a
// UNIX socket that all users of a queue have.
//
// A letter is a tag and some descriptors. Letters come out in the order in which they went in. Who
// may post and who may read at a time is the queue's business (queue_ends.hpp); nothing here
// blocks. A forked child has its parent's mail.
//
// Invariants: every process that has the mail has both ends, so that it works, and keeps what is in
// it, as long as any of them lives.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nativeconc/shared/file_descriptor.hpp"
#include "nativeconc/shared/queue_ends.hpp"

namespace nativeconc::shared {

inline constexpr std::size_t kMaxLetterFiles = 253;  // as many as the kernel takes

class Mail {
 public:
  // Makes one. Throws SharedError.
  Mail();
  // One that another process has made.
  Mail(FileDescriptor in, FileDescriptor out) : in_(std::move(in)), out_(std::move(out)) {}

  int in() const { return in_.get(); }
  int out() const { return out_.get(); }

  // `full` when no letter more fits, here or in what this user may have on the way.
  Step post(std::uint64_t tag, std::span<const int> files, int* error) const;

  // The files of the letter with this tag, as descriptors of one's own; the letter stays. Throws
  // away those with smaller tags. 0 or an errno; no files if there is no such letter.
  int peek(std::uint64_t tag, std::vector<FileDescriptor>* files) const noexcept;

  // Throws away the letters up to this tag.
  void drop(std::uint64_t tag) const;

 private:
  void discard_first() const;

  FileDescriptor in_;
  FileDescriptor out_;
};

}  // namespace nativeconc::shared
