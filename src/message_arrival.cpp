// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// From a message of a queue to the Python object that it means.
#include <algorithm>
#include <cstring>

#include "errors.hpp"
#include "heap_type.hpp"
#include "message.hpp"
#include "message_memory.hpp"
#include "plain_message.hpp"

namespace nativeconc::seam {
namespace {

using shared::FileDescriptor;
using shared::MessageFile;

struct Arrival {
  const std::vector<FileDescriptor>* files;
  std::size_t first;  // of shared memory
};
constinit thread_local const Arrival* arrival [[gnu::tls_model("initial-exec")]] = nullptr;

// Made when the module is.
PyObject* loads = nullptr;
PyObject* names_of_buffers = nullptr;  // ("buffers",)

// message_file(place): a descriptor of the message that this thread is reading, which closes it;
// -1 if it has no such file.
PyObject* message_file(PyObject*, PyObject* place) {
  const Py_ssize_t at = PyLong_AsSsize_t(place);
  if (at == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (arrival == nullptr || at < 0) return PyLong_FromLong(-1);
  const std::size_t index = arrival->first + static_cast<std::size_t>(at);
  if (index >= arrival->files->size()) return PyLong_FromLong(-1);
  return PyLong_FromLong((*arrival->files)[index].get());
}

PyMethodDef message_file_method = {
    "message_file", message_file, METH_O,
    "message_file(place, /)\n--\n\n"
    "A descriptor of the message that this thread reads, which closes it; or -1."};

struct Parts {
  std::vector<std::uint64_t> sizes;
  std::uint64_t pickle_in_file = 0;
  std::span<const std::byte> rest;  // the pickle, if it is in the ring
};

// False if the bytes are not what the head says.
bool parse_parts(const shared::Incoming& message, Parts* parts) {
  std::span<const std::byte> bytes(message.bytes.get(), message.size);
  MessageHead head{};
  if (bytes.size() < sizeof head) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes = bytes.subspan(sizeof head);
  if (head.n_buffers > bytes.size() / sizeof(std::uint64_t)) return false;
  parts->sizes.resize(head.n_buffers);
  if (!parts->sizes.empty()) {
    std::memcpy(parts->sizes.data(), bytes.data(), head.n_buffers * sizeof(std::uint64_t));
  }
  parts->pickle_in_file = head.pickle_in_file;
  parts->rest = bytes.subspan(head.n_buffers * sizeof(std::uint64_t));
  std::uint64_t there = message.outside.size();
  for (const std::uint64_t size : parts->sizes) {
    if (size > there) return false;
    there -= std::min(there, (size + MessageFile::kAlignment - 1) / MessageFile::kAlignment *
                                 MessageFile::kAlignment);
  }
  return parts->pickle_in_file <= there;
}

// The next part of the file, as a memoryview.
PyObject* take_part(PyObject* whole, std::uint64_t* offset, std::uint64_t size) {
  const auto begin = static_cast<Py_ssize_t>(*offset);
  *offset +=
      (size + MessageFile::kAlignment - 1) / MessageFile::kAlignment * MessageFile::kAlignment;
  return PySequence_GetSlice(whole, begin, begin + static_cast<Py_ssize_t>(size));
}

// pickle.loads(data, buffers=buffers); steals both, which may be null after an error.
PyObject* unpickle(PyObject* data, PyObject* buffers) {
  PyObject* result = nullptr;
  if (data != nullptr && PyErr_Occurred() == nullptr) {
    PyObject* arguments[] = {data, buffers};
    result = buffers == nullptr ? PyObject_CallOneArg(loads, data)
                                : PyObject_Vectorcall(loads, arguments, 1, names_of_buffers);
  }
  Py_XDECREF(data);
  Py_XDECREF(buffers);
  return result;
}

PyObject* view_of(PyObject* memory) {
  if (memory == nullptr) return nullptr;
  PyObject* view = PyMemoryView_FromObject(memory);
  Py_DECREF(memory);
  return view;
}

PyObject* bytes_from(std::span<const std::byte> bytes) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                   static_cast<Py_ssize_t>(bytes.size()));
}

PyObject* read_with_files(shared::Incoming* message) {
  Parts parts;
  if (!parse_parts(*message, &parts)) {
    PyErr_SetString(errors().segment_error, "a message of the queue is damaged");
    return nullptr;
  }
  PyObject* whole = nullptr;
  if (message->outside.base() != nullptr) {
    whole = view_of(new_message_memory(std::move(message->outside)));
    if (whole == nullptr) return nullptr;
  }
  std::uint64_t offset = 0;
  PyObject* buffers = PyTuple_New(static_cast<Py_ssize_t>(parts.sizes.size()));
  for (std::size_t i = 0; buffers != nullptr && i < parts.sizes.size(); ++i) {
    PyObject* part = take_part(whole, &offset, parts.sizes[i]);
    if (part == nullptr) Py_CLEAR(buffers);
    if (part != nullptr) PyTuple_SET_ITEM(buffers, static_cast<Py_ssize_t>(i), part);
  }
  PyObject* data = nullptr;
  if (buffers != nullptr) {
    data = parts.pickle_in_file > 0 ? take_part(whole, &offset, parts.pickle_in_file)
                                    : bytes_from(parts.rest);
  }
  const Arrival here{&message->files, whole == nullptr ? std::size_t{0} : std::size_t{1}};
  Py_XDECREF(whole);
  const Arrival* const outer = arrival;
  arrival = &here;
  PyObject* result = unpickle(data, buffers);
  arrival = outer;
  return result;
}

}  // namespace

PyObject* read_message(shared::Incoming message) {
  if (message.has_files) return read_with_files(&message);
  const std::span<const std::byte> bytes(message.bytes.get(), message.size);
  if (is_plain(bytes)) return read_plain(bytes);
  if (message.size <= static_cast<std::uint64_t>(kMostInline)) [[likely]]
    return unpickle(bytes_from(bytes), nullptr);
  return unpickle(view_of(new_message_memory(std::move(message.bytes), message.size)), nullptr);
}

void bind_arriving_messages(py::module_& m) {
  bind_message_memory(m);
  loads = py::object(py::module_::import("pickle").attr("loads")).release().ptr();
  names_of_buffers = py::make_tuple("buffers").release().ptr();
  PyObject* function = PyCFunction_NewEx(&message_file_method, nullptr, nullptr);
  if (function == nullptr) throw py::error_already_set();
  m.attr(message_file_method.ml_name) = py::reinterpret_steal<py::object>(function);
}

}  // namespace nativeconc::seam
