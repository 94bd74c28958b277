// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// From a Python object to a message of a queue, and back.
//
// A small message of builtin values is written as plain_message.hpp says; any other small one is
// its pickle. What is big (buffers of protocol 5, or the whole pickle) goes into a file of the
// message's own, and shared memory travels as its file; then the bytes in the ring are
//
//   MessageHead, std::uint64_t[n_buffers] (their sizes), and the pickle, if it is not in the file
//
// Files come in this order: the message's own, if there is one; those of shared memory. In its own
// file the parts lie one after the other, each at the next multiple of MessageFile::kAlignment: the
// buffers, and the pickle.
//
// Needs the GIL. While an object is pickled or unpickled, a context of the thread says for which
// message: nativeconc.shared._handles asks put_file() and message_file(). Such contexts nest.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "nativeconc/shared/queue.hpp"
#include "python.hpp"

namespace nativeconc::seam {

// What is bigger goes into a file: below that two copies cost less than a file and its mapping.
inline constexpr Py_ssize_t kMostInline = 256 << 10;

struct MessageHead {
  std::uint64_t n_buffers;
  std::uint64_t pickle_in_file;  // its size there; 0: it is in the ring
};
static_assert(sizeof(MessageHead) == 16);

// It owns references that clear_message() gives back.
struct OutgoingMessage {
  PyObject* pickle = nullptr;                       // bytes; null if it is a plain message
  std::vector<std::unique_ptr<Py_buffer>> buffers;  // outside: exports of our own
  std::vector<std::pair<PyObject*, int>> flights;   // Buffers, and the numbers of their handles
  std::vector<shared::FileDescriptor> files;        // of shared memory,
  std::vector<std::array<char, 16>> ids;            // and of which
  std::optional<shared::MessageFile> file;          // the message's own
  std::vector<int> all_files;                       // what it takes along
  std::vector<std::byte> bytes;                     // in the ring, where that is not the pickle
  std::uint64_t outside = 0;

  shared::Outgoing core() const;
};

// Writes or pickles the object; with files only where there is a pool of them. Big parts are
// copied without the GIL. False with a Python error; clear it in any case.
bool make_message(PyObject* object, shared::FilePool* pool, OutgoingMessage* message);
// `was_put`: its handles arrive, or will be taken for lost.
void clear_message(OutgoingMessage* message, bool was_put);

// The object that a message means; null with a Python error. The message is used up.
PyObject* read_message(shared::Incoming message);

void bind_message(py::module_& m);
void bind_arriving_messages(py::module_& m);

}  // namespace nativeconc::seam
