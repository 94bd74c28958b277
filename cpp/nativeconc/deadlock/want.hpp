// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What a waiting thread waits for, in terms of the wait-for graph: a lock, and who stands in the
// way. A plain value.
#pragma once

#include <atomic>
#include <cstdint>

#include "nativeconc/deadlock/thread_id.hpp"

namespace nativeconc::deadlock {

enum class Mode { lock, read, write };

struct Want {
  void* lock = nullptr;  // for the report; means nothing to the graph
  Mode mode = Mode::lock;

  // In the way is whoever owns `owned` ...
  const void* owned = nullptr;
  ThreadId (*owner)(const void* owned) = nullptr;
  Mode owned_as = Mode::lock;
  // ... unless this says that the waiting thread, whose wait has come so far, is through already
  // ...
  bool (*is_through)(const void* owned, std::uint64_t progress) = nullptr;

  // Of a reader-writer lock, by its number: if its owner is not inside, but only next to go in,
  // then in the way are all others who hold it for reading. A reader waits for them only if the one
  // who is next does so without a time limit. The owner itself is in the way while it waits for
  // something else without a time limit: in a signal handler that interrupted its wait to write.
  std::uint64_t readers_of = 0;
  bool (*is_inside)(const void* owned) = nullptr;

  // How to get this thread to look again if the owner ends: set `roused`, then call rouse(rouses).
  // Null: it looks again of its own accord.
  std::atomic<bool>* roused = nullptr;
  void* rouses = nullptr;
  void (*rouse)(void* rouses) = nullptr;

  bool certain = true;  // only its owner can release it, so a cycle through it cannot end
};

}  // namespace nativeconc::deadlock
