// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/pool/job.hpp"

#include <algorithm>

#include "nativeconc/os/fork_generation.hpp"
#include "nativeconc/pool/thread_pool.hpp"

namespace nativeconc::pool {

Outcome Job::run() {
  const bool alone = execution_.threads <= 1 || n_chunks_ <= 1 || ThreadPool::inside_chunk();
  if (alone) {
    work(Checkpoint(execution_.cancellation, true));
  } else {
    const std::uint32_t generation = os::fork_generation();
    const std::int64_t helpers = std::min<std::int64_t>(execution_.threads, n_chunks_) - 1;
    ThreadPool::instance().run(*this, static_cast<int>(helpers));
    if (os::fork_generation() != generation) {
      // A signal handler forked while we ran, and this is the child. Chunks that workers had
      // claimed were lost with them; chunks may be repeated, so do them all.
      next_.store(0, std::memory_order_relaxed);
      work(Checkpoint(execution_.cancellation, true));
    }
  }
  const bool stopped = execution_.cancellation != nullptr && execution_.cancellation->requested();
  return stopped ? Outcome::cancelled : Outcome::done;
}

void Job::work(const Checkpoint& checkpoint) {
  for (;;) {
    if (checkpoint.stop()) return;
    const std::int64_t chunk = next_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= n_chunks_) return;
    run_chunk_(body_, chunk, checkpoint);
  }
}

}  // namespace nativeconc::pool
