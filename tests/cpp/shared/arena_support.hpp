// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Segments of arenas, and other views of them as other processes have: each with an open file of
// its own, so that one process can play several.
#pragma once

#include <memory>
#include <utility>

#include "nativeconc/shared/arena.hpp"
#include "nativeconc/shared/creation.hpp"
#include "nativeconc/shared/memory.hpp"

namespace nativeconc::shared::testing {

inline std::unique_ptr<Segment> create(const SegmentPlan& plan, CreationOptions options = {}) {
  Creation creation(plan, std::move(options));
  while (creation.step()) {
  }
  return creation.finish();
}

// Blocks of 64 bytes.
inline std::unique_ptr<Segment> create_arena(std::uint32_t blocks = 100) {
  SegmentPlan plan = Arena::plan(0, 0);
  plan.block_count = blocks;
  return create(plan);
}

inline std::unique_ptr<Segment> another_view(const Segment& segment) {
  return std::make_unique<Segment>(reopen(segment.fd(), Access::read_write), Access::read_write,
                                   segment.header());
}

}  // namespace nativeconc::shared::testing
