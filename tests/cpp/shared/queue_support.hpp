// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Queues that forked children share, and messages of text for them.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "nativeconc/shared/queue.hpp"
#include "shared/processes.hpp"

namespace nativeconc::testing {

using shared::FileDescriptor;
using shared::Incoming;
using shared::Mail;
using shared::Outgoing;
using shared::Queue;
using shared::QueueLayout;
using shared::this_thread_number;
using Outcome = Queue::Outcome;

// A queue that forked children share.
class SharedQueue {
 public:
  explicit SharedQueue(std::uint64_t ring = 4096, bool with_mail = true,
                       std::uint64_t capacity = 1 << 20)
      : size_(Queue::bytes_for(ring)),
        memory_(static_cast<std::byte*>(
            mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
        queue_(begun(memory_, with_mail ? capacity : ring), ring,
               with_mail ? std::make_unique<Mail>() : nullptr) {}
  ~SharedQueue() { munmap(memory_, size_); }
  SharedQueue(const SharedQueue&) = delete;
  SharedQueue& operator=(const SharedQueue&) = delete;

  Queue& operator*() { return queue_; }
  Queue* operator->() { return &queue_; }
  QueueLayout& layout() { return *reinterpret_cast<QueueLayout*>(memory_); }

 private:
  static std::byte* begun(std::byte* memory, std::uint64_t capacity) {
    Queue::begin(memory, capacity);
    return memory;
  }

  std::uint64_t size_;
  std::byte* memory_;
  Queue queue_;
};

inline Outgoing message(const std::string& text) { return {std::as_bytes(std::span(text)), 0, {}}; }

inline Outcome put(Queue& queue, const std::string& text, Deadline deadline = Deadline::never()) {
  std::size_t done = 0;
  const Outgoing one = message(text);
  return queue.put(this_thread_number(), {&one, 1}, deadline, &done).outcome;
}

inline std::string text_of(const Incoming& message) {
  return {reinterpret_cast<const char*>(message.bytes.get()), message.size};
}

// What comes next; the outcome in brackets if nothing does.
inline std::string take(Queue& queue, Deadline deadline = Deadline::never()) {
  std::vector<Incoming> taken;
  const Outcome outcome = queue.take(this_thread_number(), 1, deadline, &taken).outcome;
  if (outcome == Outcome::done) return text_of(taken.at(0));
  return "<" + std::to_string(static_cast<int>(outcome)) + ">";
}

inline std::string brackets(Outcome outcome) {
  return "<" + std::to_string(static_cast<int>(outcome)) + ">";
}

inline FileDescriptor file_with(const std::string& text) {
  FileDescriptor file(memfd_create("nativeconc-test", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

inline std::string content(const FileDescriptor& file) {
  std::string text(100, '\0');
  const ssize_t size = pread(file.get(), text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

inline Outcome put_file(Queue& queue, const std::string& text, std::uint64_t outside = 100,
                        Deadline deadline = Deadline::never()) {
  const FileDescriptor file = file_with(text);
  const int fd = file.get();
  std::size_t done = 0;
  const Outgoing one{std::as_bytes(std::span(text)), outside, {&fd, 1}};
  return queue.put(this_thread_number(), {&one, 1}, deadline, &done).outcome;
}

inline std::string take_file(Queue& queue) {
  std::vector<Incoming> taken;
  const auto result = queue.take(this_thread_number(), 1, Deadline::never(), &taken);
  if (result.outcome != Outcome::done) return brackets(result.outcome);
  EXPECT_EQ(taken.at(0).files.size(), 1U);
  if (taken[0].files.empty()) return "no file";
  EXPECT_EQ(content(taken[0].files[0]), text_of(taken[0]));
  return text_of(taken[0]);
}

}  // namespace nativeconc::testing
