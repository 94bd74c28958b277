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
#include "python_part.hpp"

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
  void (*initialize)(std::byte*, const void*) = nullptr;
  const void* argument = nullptr;
  std::unique_ptr<shared::Segment> segment;
  std::exception_ptr error;

  // Without the GIL. False: done, or failed.
  bool step() {
    try {
      if (creation->step()) return true;
      if (initialize != nullptr) initialize(creation->data(), argument);
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

// Whether an arena has room for it.
bool is_block(const SegmentRequest& request) {
  return request.kind != shared::SegmentKind::queue && request.name.empty() &&
         !request.huge_pages && !request.prefault && request.size <= shared::Arena::kMaxBlock;
}

Lease create(const SegmentRequest& request) {
  auto run = std::make_unique<Run>();
  run->initialize = request.initialize;
  run->argument = request.argument;
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

Lease take_block(const SegmentRequest& request) {
  const Lease lease = Memory::instance().take_block(request.size, request.zeroed);
  if (request.initialize == nullptr) return lease;
  try {
    request.initialize(lease.data, request.argument);
  } catch (...) {
    Memory::instance().release(lease);
    throw;
  }
  return lease;
}

// For people. An array's meta bytes are text: dtype, shape and order.
std::string describe(shared::SegmentKind kind, std::uint64_t size, const std::string& meta) {
  const std::string bytes = std::to_string(size) + " bytes";
  if (kind == shared::SegmentKind::primitive || kind == shared::SegmentKind::queue) {
    return "a shared " + meta;
  }
  if (kind != shared::SegmentKind::array) return "a buffer of " + bytes;
  return "an array of " + bytes + ", (dtype, shape, order) = " + meta;
}

// A lease on what exists, if it is what the request describes.
Lease open_same(const SegmentRequest& request) {
  const Lease lease = Memory::instance().open(request.name, shared::Access::read_write);
  const shared::SegmentHeader& header = lease.segment->header();
  if (header.kind == request.kind && header.size == request.size &&
      lease.segment->meta() == request.meta) {
    return lease;
  }
  const std::string existing = describe(header.kind, header.size, lease.segment->meta());
  Memory::instance().release(lease);
  const std::string wanted = describe(request.kind, request.size, request.meta);
  PyErr_Format(PyExc_ValueError,
               "there is already shared memory named '%s', and it is another: %s; asked for: %s",
               request.name.c_str(), existing.c_str(), wanted.c_str());
  throw py::error_already_set();
}

Lease create_or_open_once(const SegmentRequest& request) {
  if (is_block(request)) return take_block(request);
  if (request.name.empty()) return create(request);
  for (;;) {
    // What exists when we look may be gone when we open it, and the other way round; who removes it
    // may be stopped in the middle.
    if (PyErr_CheckSignals() != 0) return {};
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

// This process may itself hold the name, for a handle that has arrived meanwhile. False with a
// Python error.
bool call_handles(const char* function) {
  PyObject* done = call_python("nativeconc.shared._handles", function, PyTuple_New(0));
  Py_XDECREF(done);
  return done != nullptr;
}

}  // namespace

Lease create_or_open(const SegmentRequest& request) {
  // What has arrived elsewhere is given back first: it may be as big, or have the same name.
  if (!is_block(request) && !call_handles("let_go_of_arrivals")) return {};
  for (bool is_last = false;; is_last = true) {
    try {
      return create_or_open_once(request);
    } catch (const SharedError& error) {
      if (is_last || error.fault() != SharedFault::exists) {
        set_error_from_current_exception();
        return {};
      }
    } catch (...) {
      set_error_from_current_exception();
      return {};
    }
    if (!call_handles("let_go_of_all_arrivals")) return {};
  }
}

}  // namespace nativeconc::seam
