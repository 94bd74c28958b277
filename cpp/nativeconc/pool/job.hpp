// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// One run of parallel_for: the chunks, who has claimed how many, and whether to stop.
//
// A Job lives on the stack of the thread that starts it. Workers reach it through the pool's list,
// and run() does not return before the last of them has let go.
//
// Invariants: chunks below next_ are claimed, each by exactly one thread; a worker is inside only
// between ThreadPool's join and leave, both under the pool's mutex.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/pool/execution.hpp"

namespace nativeconc::pool {

// What a running chunk asks whether it should stop.
class Checkpoint {
 public:
  Checkpoint(Cancellation* cancellation, bool is_caller)
      : cancellation_(cancellation), is_caller_(is_caller) {}

  // True: leave the chunk unfinished and return. Costs a clock read on the calling thread.
  bool stop() const {
    if (cancellation_ == nullptr) return false;
    return is_caller_ ? cancellation_->poll_if_due() : cancellation_->requested();
  }

 private:
  Cancellation* cancellation_;
  bool is_caller_;
};

class Job {
 public:
  using RunChunk = void (*)(void* body, std::int64_t chunk, const Checkpoint& checkpoint);

  Job(std::int64_t n_chunks, const Execution& execution, RunChunk run_chunk, void* body)
      : n_chunks_(n_chunks), execution_(execution), run_chunk_(run_chunk), body_(body) {}

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  Outcome run();

 private:
  friend class ThreadPool;

  // Runs chunks until none is left to claim or the job is stopped.
  void work(const Checkpoint& checkpoint);
  bool all_claimed() const { return next_.load(std::memory_order_relaxed) >= n_chunks_; }

  const std::int64_t n_chunks_;
  const Execution execution_;
  const RunChunk run_chunk_;
  void* const body_;
  // Only hands out numbers. What a chunk wrote is published by the pool's mutex, when its worker
  // leaves.
  std::atomic<std::int64_t> next_{0};

  // Guarded by the pool's mutex.
  int places_left_ = 0;     // how many more workers may join
  int workers_inside_ = 0;  // how many have joined and not left
};

}  // namespace nativeconc::pool
