// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// What nativeconc.shared needs beside Buffer: arrays' memory, attaching, handles, names, processes.
#include <unistd.h>

#include <cstring>

#include "bindings.hpp"
#include "buffer_object.hpp"
#include "errors.hpp"
#include "nativeconc/os/memory_budget.hpp"
#include "nativeconc/os/process_identity.hpp"
#include "nativeconc/shared/named_file.hpp"
#include "nativeconc/shared/primitive_header.hpp"
#include "nativeconc/shared/rlock.hpp"
#include "nativeconc/shared/shared_error.hpp"
#include "segment_creation.hpp"
#include "segment_name.hpp"

namespace nativeconc::seam {
namespace {

using shared::Access;
using shared::Handle;
using shared::Lease;
using shared::Memory;

py::object wrap(const Lease& lease) {
  PyObject* made = new_buffer_object(buffer_type(), lease);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

Access access_of(bool readonly) { return readonly ? Access::read_only : Access::read_write; }

// open_segment(name, readonly): attaching is timed against a few system calls, so without
// pybind11's dispatcher.
PyObject* open_segment(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
  if (n_args != 2 || args[0] == Py_None) {
    PyErr_SetString(PyExc_TypeError, "open_segment takes a name and whether to read only");
    return nullptr;
  }
  std::string name;
  if (!parse_name(args[0], &name)) return nullptr;
  Lease lease;
  try {
    lease = Memory::instance().open(name, access_of(args[1] == Py_True));
  } catch (...) {
    set_error_from_current_exception();
    return nullptr;
  }
  const auto kind = static_cast<int>(lease.segment->header().kind);
  PyObject* buffer = new_buffer_object(buffer_type(), lease);
  return buffer == nullptr ? nullptr : Py_BuildValue("(Ni)", buffer, kind);
}

PyMethodDef open_segment_method = {
    "open_segment", as_method(open_segment), METH_FASTCALL,
    "open_segment(name, readonly, /)\n--\n\nA Buffer, and of what kind of segment."};

// new_array_memory(size, name, exist_ok, huge_pages, prefault, zeroed, meta): a plain PyCFunction,
// since it may release the GIL (python.hpp).
PyObject* new_array_memory(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
  if (n_args != 7) {
    PyErr_SetString(PyExc_TypeError, "new_array_memory takes 7 arguments");
    return nullptr;
  }
  SegmentRequest request;
  if (!parse_size(args[0], &request.size) || !parse_name(args[1], &request.name)) return nullptr;
  request.exist_ok = args[2] == Py_True;
  request.huge_pages = args[3] == Py_True;
  request.prefault = args[4] == Py_True;
  request.zeroed = args[5] == Py_True;
  if (args[6] != Py_None) {
    char* bytes = nullptr;
    Py_ssize_t length = 0;
    if (PyBytes_AsStringAndSize(args[6], &bytes, &length) != 0) return nullptr;
    request.meta = std::string(bytes, static_cast<std::size_t>(length));
  }
  request.kind = shared::SegmentKind::array;
  const Lease lease = create_or_open(request);
  return lease.segment == nullptr ? nullptr : new_buffer_object(buffer_type(), lease);
}

PyMethodDef new_array_memory_method = {
    "new_array_memory", as_method(new_array_memory), METH_FASTCALL,
    "new_array_memory(size, name, exist_ok, huge_pages, prefault, zeroed, meta, /)\n--\n\n"
    "A Buffer for the data of an array."};

Handle parse_handle(const py::bytes& id, std::uint32_t block, std::uint32_t generation, int flight,
                    std::uint64_t size) {
  const std::string raw = id;
  Handle handle{{}, block, generation, flight, size};
  if (raw.size() != sizeof handle.id || flight < -1 || flight > shared::Segment::kMaxHandle) {
    throw py::value_error("this is no handle of shared memory");
  }
  std::memcpy(&handle.id, raw.data(), sizeof handle.id);
  return handle;
}

py::dict header_facts(int fd) {
  std::string meta;
  const shared::SegmentHeader header = shared::read_header(fd, "the file", &meta);
  py::dict facts;
  facts["kind"] = static_cast<unsigned>(header.kind);
  facts["id"] = py::bytes(reinterpret_cast<const char*>(&header.id), sizeof header.id);
  facts["size"] = header.size;
  facts["file_size"] = header.file_size;
  facts["creator_pid"] = header.creator_pid;
  facts["created_ns"] = header.created_ns;
  facts["meta"] = py::bytes(meta);
  return facts;
}

// Of the open file of a named lock or the like: (uid, who has it, is it in doubt); the second is
// (pid, native thread id), or None.
py::object primitive_facts(int fd) {
  std::string meta;
  const shared::SegmentHeader header = shared::read_header(fd, "the file", &meta);
  // A Lock and an RLock begin with their Lock, and an RWLock with that of its writers.
  using State = shared::Primitive<shared::RLock>;
  State state;
  if (header.kind != shared::SegmentKind::primitive || header.size < sizeof state ||
      pread(fd, static_cast<void*>(&state), sizeof state, static_cast<off_t>(header.data_offset)) !=
          static_cast<ssize_t>(sizeof state)) {
    return py::none();
  }
  const shared::PrimitiveKind kind = state.header.kind;
  const bool is_lock = kind == shared::PrimitiveKind::lock ||
                       kind == shared::PrimitiveKind::rlock ||
                       kind == shared::PrimitiveKind::rwlock;
  const shared::ThreadNumber owner = is_lock ? state.state.lock().owner() : shared::kNobody;
  const bool is_in_doubt = owner == shared::Lock::kInDoubt;
  py::object holder = py::none();
  if (owner != shared::kNobody && !is_in_doubt &&
      state.header.directory == shared::directory_id()) {
    const shared::ThreadIdentity who = shared::identify(owner);
    if (who.pid != 0) holder = py::make_tuple(who.pid, who.tid);
  }
  return py::make_tuple(state.header.uid, holder, is_in_doubt);
}

// Whether a handle that is on its way from the file of `fd` was received, as far as the file tells.
bool was_received(int fd, const py::bytes& id, std::uint32_t block, int flight) {
  return shared::was_received(fd, parse_handle(id, block, 0, flight, 0));
}

}  // namespace

void bind_segments(py::module_& m) {
  for (PyMethodDef* method : {&new_array_memory_method, &open_segment_method}) {
    PyObject* function = PyCFunction_NewEx(method, nullptr, nullptr);
    if (function == nullptr) throw py::error_already_set();
    m.attr(method->ml_name) = py::reinterpret_steal<py::object>(function);
  }

  m.def("receive_known",
        [](const py::bytes& id, std::uint32_t block, std::uint32_t generation, int flight,
           std::uint64_t size, bool readonly) -> py::object {
          const Handle handle = parse_handle(id, block, generation, flight, size);
          const Lease lease = Memory::instance().receive(handle, access_of(readonly));
          return lease.segment == nullptr ? py::none() : wrap(lease);
        });
  m.def("receive_file", [](const py::bytes& id, std::uint32_t block, std::uint32_t generation,
                           int flight, std::uint64_t size, bool readonly, int fd) {
    const Handle handle = parse_handle(id, block, generation, flight, size);
    return wrap(Memory::instance().receive(handle, access_of(readonly),
                                           shared::reopen(fd, access_of(readonly))));
  });
  m.def("receive_named",
        [](const py::bytes& id, std::uint32_t block, std::uint32_t generation, int flight,
           std::uint64_t size, bool readonly, const std::string& name) {
          const Handle handle = parse_handle(id, block, generation, flight, size);
          return wrap(Memory::instance().receive(handle, access_of(readonly), name));
        });
  m.def("was_received", &was_received);

  m.def("segment_names", &shared::list_names);
  m.def("segment_path", [](const std::string& name) { return shared::path_of(name); });
  m.def("remove_if_unheld", [](const std::string& name) { return shared::remove_if_unheld(name); });
  m.def("segment_header", &header_facts);
  m.def("primitive_facts", &primitive_facts);
  m.def("trim_arenas", [] { Memory::instance().trim(); });
  m.def("leave_segment_names", [] { Memory::instance().leave_names(); });

  m.def("this_process", [] {
    const os::ProcessIdentity self = os::this_process();
    return py::make_tuple(self.pid, self.start_time, self.pid_namespace);
  });
  m.def("read_process", [](std::int32_t pid) -> py::object {
    const auto process = os::read_process(pid);
    if (!process) return py::none();
    return py::make_tuple(process->pid, process->start_time, process->pid_namespace);
  });
  m.def("is_alive", [](std::int32_t pid, std::uint64_t start_time, std::uint64_t pid_namespace) {
    return os::is_alive({pid, start_time, pid_namespace});
  });
  m.def("available_memory", &os::available_memory);
}

}  // namespace nativeconc::seam
