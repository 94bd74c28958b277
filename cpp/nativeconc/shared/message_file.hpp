// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The big parts of one message of a queue: an unnamed file, written by its producer, mapped by its
// consumer, and by nobody else. The kernel frees it with the last descriptor or mapping, wherever
// the message has got to, and its producer may write it again then (file_pool.hpp).
//
// One thread. Writing goes through the file, not through a mapping: no page faults, and pages are
// not zeroed before they are filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "nativeconc/shared/file_descriptor.hpp"
#include "nativeconc/shared/file_pool.hpp"

namespace nativeconc::shared {

class MessageFile {
 public:
  static constexpr std::uint64_t kAlignment = 4096;  // where each part begins

  // For so many bytes; one of the pool, or a new one, if there is room for it. Throws SharedError.
  MessageFile(std::uint64_t size, FilePool& pool);

  // The offset of the next part of so many bytes.
  std::uint64_t place(std::uint64_t size);
  // Writes some of the bytes (about a millisecond of work), and removes them from the front of the
  // span. 0 or an errno.
  int write_some(std::uint64_t* offset, std::span<const std::byte>* bytes) const;

  int fd() const { return file_.get(); }

 private:
  FileDescriptor file_;
  std::uint64_t end_ = 0;
};

// A message file as its consumer has it: memory of its own, copied on write.
class MessageMapping {
 public:
  MessageMapping() = default;
  MessageMapping(MessageMapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MessageMapping& operator=(MessageMapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MessageMapping();

  // 0 or an errno. Once.
  int map(int fd);

  std::byte* base() const { return base_; }
  std::uint64_t size() const { return size_; }

 private:
  std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace nativeconc::shared
