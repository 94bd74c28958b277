// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Cuts work into numbered chunks and runs each of them, on the calling thread and on the pool's.
//
// Any thread, several at once, also from inside a chunk (such a nested call runs inline). After
// fork the child may go on calling. Chunks are claimed one by one, so a thread that is held up (by
// the GIL, by other work) leaves its share to the rest: which thread runs a chunk is never fixed.
//
// What a body must be, for the result not to depend on the number of threads:
//   - a function of its chunk number alone, writing only what belongs to that chunk;
//   - the same in every floating-point mode, or run in the default one: workers use that, and the
//   caller
//     of parallel_for sees to its own thread;
//   - idempotent: a chunk may be run again from its start (after a fork in the middle of a run);
//   - free of exceptions, and of waits for anything but its own memory.
// A chunk that lasts longer than about a millisecond asks checkpoint.stop() on its way.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "nativeconc/pool/execution.hpp"
#include "nativeconc/pool/job.hpp"

namespace nativeconc::pool {

// body(std::int64_t chunk, const Checkpoint& checkpoint), for every chunk in [0, n_chunks).
template <class Body>
Outcome parallel_for(std::int64_t n_chunks, const Execution& execution, Body&& body) {
  using Callee = std::remove_reference_t<Body>;
  Job job(
      n_chunks, execution,
      [](void* callee, std::int64_t chunk, const Checkpoint& checkpoint) {
        (*static_cast<Callee*>(callee))(chunk, checkpoint);
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
  return job.run();
}

}  // namespace nativeconc::pool
