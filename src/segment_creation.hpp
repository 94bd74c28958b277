// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Making shared memory for Python: what a call asks for, and how a big one can be interrupted.
//
// Needs the GIL, which is released while a megabyte and more is reserved; on the main thread Ctrl-C
// ends that within some ten milliseconds, and nothing is left.
#pragma once

#include <string>

#include "nativeconc/shared/memory.hpp"
#include "python.hpp"

namespace nativeconc::seam {

struct SegmentRequest {
  std::uint64_t size = 0;
  std::string name;  // empty: anonymous
  std::string meta;
  shared::SegmentKind kind = shared::SegmentKind::buffer;
  bool exist_ok = false;
  bool huge_pages = false;
  bool prefault = false;
  bool zeroed = true;
  // Writes what is to be there before anybody else can see it; may throw.
  void (*initialize)(std::byte* memory, const void* argument) = nullptr;
  const void* argument = nullptr;
};

// A lease on what is wanted; without a segment and with a Python error set if that cannot be.
shared::Lease create_or_open(const SegmentRequest& request);

}  // namespace nativeconc::seam
