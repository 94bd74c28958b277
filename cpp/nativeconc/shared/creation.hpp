// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Making a segment, step by step, so that whoever waits for a big one can stop in between.
//
// Space is checked first and then reserved: too little is SharedFault::full, now, and never a
// SIGBUS later. What is reserved may still be too much for a memory cgroup whose other processes
// grow at the same moment; no check can prevent that.
//
// One thread. Until finish() nobody else can see the segment; a Creation that is dropped, or a
// process that dies, leaves nothing behind.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nativeconc/shared/segment.hpp"

namespace nativeconc::shared {

struct CreationOptions {
  std::string name;         // empty: anonymous
  bool huge_pages = false;  // ask for them: the kernel may have none
  bool prefault = false;    // touch every page now
};

class Creation {
 public:
  // `plan.meta` is copied. Throws SharedError; std::invalid_argument for a bad name.
  Creation(const SegmentPlan& plan, CreationOptions options);

  // Reserves some more (about ten milliseconds of work). False when all is there. Throws
  // SharedError.
  bool step();
  // After the last step: where the data lies, for what must be there before anybody else sees it.
  // Throws SharedError.
  std::byte* data();
  // After the last step. Throws SharedError.
  std::unique_ptr<Segment> finish();

 private:
  // False if a signal came first.
  bool reserve(std::uint64_t begin, std::uint64_t end) const;
  bool populate(std::uint64_t begin, std::uint64_t end) const;
  void write_header();

  CreationOptions options_;
  std::string meta_;
  SegmentHeader header_;
  FileDescriptor file_;
  std::optional<Mapping> mapping_;
  std::uint64_t reserved_ = 0;
  std::uint64_t step_ = 32 << 20;
};

}  // namespace nativeconc::shared
