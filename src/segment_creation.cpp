// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "segment_creation.hpp"

#include <exception>
#include <memory>
#include <optional>

#include "errors.hpp"
#include "gil.hpp"
#include "nativeconc/shared/creation.hpp"
#include "nativeconc/shared/shared_error.hpp"

namespace nativeconc::seam {
namespace {

using shared::Lease;
using shared::Memory;
using shared::SharedError;
using shared::SharedFault;

constexpr std::uint64_t kQuick = 1 << 20;

// A segment in the making. It lives on the heap: if the interpreter shuts down while its thread
// asks for the GIL, it is lost, and the process is at its end.
struct Run {
  std::optional<shared::Creation> creation;
  std::unique_ptr<shared::Segment> segment;
  std::exception_ptr error;

  // Without the GIL. False: done, or failed.
  bool step() {
    try {
      if (creation->step()) return true;
      segment = creation->finish();
    } catch (...) {
      error = std::current_exception();
    }
    return false;
  }
};

// True when the segment is there, or has failed; false with a Python error.
bool run_to_the_end(Run* run) {
  bool goes_on = true;
  while (goes_on) {
    PyThreadState* state = release_gil();
    goes_on = run->step();
    take_gil(state);
    if (goes_on && PyErr_CheckSignals() != 0) return false;
  }
  return true;
}

Lease create(const SegmentRequest& request) {
  auto run = std::make_unique<Run>();
  shared::SegmentPlan plan;
  plan.kind = request.kind;
  plan.block_size = request.size;
  plan.meta = request.meta;
  run->creation.emplace(
      plan, shared::CreationOptions{request.name, request.huge_pages, request.prefault});
  if (request.size < kQuick) {
    while (run->step()) {
    }
  } else {
    Run* const raw = run.release();
    const bool is_complete = run_to_the_end(raw);
    run.reset(raw);
    if (!is_complete) return {};
  }
  if (run->error) std::rethrow_exception(run->error);
  return Memory::instance().add(std::move(run->segment));
}

// A lease on what exists, if it is what the request describes.
Lease open_same(const SegmentRequest& request) {
  const Lease lease = Memory::instance().open(request.name, shared::Access::read_write);
  const shared::SegmentHeader& header = lease.segment->header();
  if (header.kind == request.kind && header.size == request.size &&
      lease.segment->meta() == request.meta) {
    return lease;
  }
  const std::uint64_t size = header.size;
  Memory::instance().release(lease);
  PyErr_Format(PyExc_ValueError,
               "there is already shared memory named '%s', and it is another: %llu bytes%s, not "
               "%llu as asked for here",
               request.name.c_str(), static_cast<unsigned long long>(size),
               size == request.size ? " of another type" : "",
               static_cast<unsigned long long>(request.size));
  throw py::error_already_set();
}

Lease create_or_open_once(const SegmentRequest& request) {
  if (request.name.empty()) {
    if (!request.huge_pages && !request.prefault) {
      const Lease block = Memory::instance().take_block(request.size, request.zeroed);
      if (block.segment != nullptr) return block;
    }
    return create(request);
  }
  for (;;) {
    // What exists when we look may be gone when we open it, and the other way round.
    try {
      if (request.exist_ok) return open_same(request);
    } catch (const SharedError& error) {
      if (error.fault() != SharedFault::not_found) throw;
    }
    try {
      return create(request);
    } catch (const SharedError& error) {
      if (!request.exist_ok || error.fault() != SharedFault::exists) throw;
    }
  }
}

}  // namespace

Lease create_or_open(const SegmentRequest& request) {
  try {
    return create_or_open_once(request);
  } catch (...) {
    set_error_from_current_exception();
    return {};
  }
}

}  // namespace nativeconc::seam
