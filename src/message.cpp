// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "message.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "errors.hpp"
#include "gil.hpp"
#include "heap_type.hpp"
#include "nativeconc/shared/shared_error.hpp"
#include "plain_message.hpp"

namespace nativeconc::seam {
namespace {

using shared::FileDescriptor;
using shared::MessageFile;

// initial-exec: see deadlock/thread_id.hpp.
constinit thread_local OutgoingMessage* outgoing [[gnu::tls_model("initial-exec")]] = nullptr;

// Made when the module is.
PyObject* dumps = nullptr;
PyObject* protocol = nullptr;
PyObject* buffer_callback = nullptr;
PyObject* names_of_two = nullptr;       // ("protocol", "buffer_callback")
PyObject* names_of_protocol = nullptr;  // ("protocol",)

// pickle's buffer_callback: whether the buffer stays in the pickle.
PyObject* collect_buffer(PyObject*, PyObject* buffer) {
  if (outgoing == nullptr || PyPickleBuffer_Check(buffer) == 0) Py_RETURN_TRUE;
  const Py_buffer* view = PyPickleBuffer_GetBuffer(buffer);
  if (view == nullptr) return nullptr;
  if (view->len <= kMostInline || PyBuffer_IsContiguous(view, 'A') == 0) Py_RETURN_TRUE;
  // Of our own, since others may release that of the PickleBuffer before it is written.
  try {
    outgoing->buffers.push_back(std::make_unique<Py_buffer>());
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  if (PyObject_GetBuffer(buffer, outgoing->buffers.back().get(), PyBUF_ANY_CONTIGUOUS) != 0) {
    outgoing->buffers.pop_back();
    return nullptr;
  }
  Py_RETURN_FALSE;
}

PyMethodDef collect_method = {"collect_buffer", collect_buffer, METH_O, nullptr};

PyObject* pickle(PyObject* object, bool with_files, OutgoingMessage* message) {
  PyObject* arguments[] = {object, protocol, buffer_callback};
  OutgoingMessage* const outer = outgoing;
  outgoing = with_files ? message : nullptr;
  PyObject* result =
      PyObject_Vectorcall(dumps, arguments, 1, with_files ? names_of_two : names_of_protocol);
  outgoing = outer;
  return result;
}

PyObject* raise_errno(int error) {
  errno = error;
  return PyErr_SetFromErrno(PyExc_OSError);
}

// Writes one part. Straight-line code around the GIL: see python.hpp. False with a Python error.
bool write_part(MessageFile& file, std::span<const std::byte> bytes) {
  std::uint64_t offset = file.place(bytes.size());
  while (!bytes.empty()) {
    PyThreadState* state = release_gil();
    const int error = file.write_some(&offset, &bytes);
    take_gil(state);
    if (error != 0) {
      raise_errno(error);
      return false;
    }
    if (PyErr_CheckSignals() != 0) return false;
  }
  return true;
}

std::span<const std::byte> bytes_of(const Py_buffer& view) {
  return {static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)};
}

std::span<const std::byte> bytes_of(PyObject* bytes) {
  return std::as_bytes(
      std::span(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))));
}

bool write_file(OutgoingMessage* message, bool with_pickle, shared::FilePool& pool) {
  message->outside = with_pickle ? bytes_of(message->pickle).size() : 0;
  for (const auto& buffer : message->buffers) message->outside += bytes_of(*buffer).size();
  try {
    message->file.emplace(message->outside, pool);
  } catch (const shared::SharedError&) {
    set_error_from_current_exception();
    return false;
  }
  for (const auto& buffer : message->buffers) {
    if (!write_part(*message->file, bytes_of(*buffer))) return false;
  }
  return !with_pickle || write_part(*message->file, bytes_of(message->pickle));
}

template <class Object>
void append(std::vector<std::byte>& to, const Object& object) {
  const auto bytes = std::as_bytes(std::span(&object, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

bool make_plain(PyObject* object, OutgoingMessage* message) {
  std::array<std::byte, kMostPlain> buffer;
  const std::span<const std::byte> plain = write_plain(object, buffer);
  if (plain.empty()) return false;
  try {
    message->bytes.assign(plain.begin(), plain.end());
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

// What lies in the ring of a message with files.
void write_head(OutgoingMessage* message, bool pickle_in_file) {
  const std::span<const std::byte> pickled = bytes_of(message->pickle);
  MessageHead head{message->buffers.size(), pickle_in_file ? pickled.size() : 0};
  append(message->bytes, head);
  for (const auto& buffer : message->buffers) {
    append(message->bytes, std::uint64_t{bytes_of(*buffer).size()});
  }
  if (!pickle_in_file) {
    message->bytes.insert(message->bytes.end(), pickled.begin(), pickled.end());
  }
  if (message->file) message->all_files.push_back(message->file->fd());
  for (const FileDescriptor& file : message->files) message->all_files.push_back(file.get());
}

// --- what _handles asks

// put_file(id, fd): the place of the file among those of the message that this thread is making;
// -1 if it makes none, or no more fit. A file of the same id goes along once.
PyObject* put_file(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
  if (outgoing == nullptr) return PyLong_FromLong(-1);
  char* bytes = nullptr;
  Py_ssize_t length = 0;
  if (n_args != 2 || PyBytes_AsStringAndSize(args[0], &bytes, &length) != 0 || length > 16) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_TypeError, "put_file takes (id, fd)");
    return nullptr;
  }
  const int fd = PyObject_AsFileDescriptor(args[1]);
  if (fd < 0) return nullptr;
  std::array<char, 16> id{};
  std::memcpy(id.data(), bytes, static_cast<std::size_t>(length));
  OutgoingMessage& message = *outgoing;
  for (std::size_t i = 0; i < message.ids.size() && length > 0; ++i) {
    if (message.ids[i] == id) return PyLong_FromSize_t(i);
  }
  if (message.files.size() + 1 >= shared::kMaxLetterFiles) return PyLong_FromLong(-1);
  FileDescriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.is_open()) return PyErr_SetFromErrno(PyExc_OSError);
  try {
    message.ids.push_back(id);
    message.files.push_back(std::move(copy));
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  return PyLong_FromSize_t(message.files.size() - 1);
}

// put_flight(buffer, flight): if the message is not put, the handle of this number does not arrive.
PyObject* put_flight(PyObject*, PyObject* const* args, Py_ssize_t n_args) {
  if (n_args != 2) {
    PyErr_SetString(PyExc_TypeError, "put_flight takes (buffer, flight)");
    return nullptr;
  }
  const long flight = PyLong_AsLong(args[1]);
  if (flight == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (outgoing == nullptr) Py_RETURN_NONE;
  try {
    outgoing->flights.emplace_back(args[0], static_cast<int>(flight));
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  Py_INCREF(args[0]);
  Py_RETURN_NONE;
}

PyObject* is_putting(PyObject*, PyObject*) { return PyBool_FromLong(outgoing != nullptr ? 1 : 0); }

PyMethodDef functions[] = {
    {"put_file", as_method(put_file), METH_FASTCALL,
     "put_file(segment, fd, /)\n--\n\n"
     "Where the file stands among those of the message that this thread makes, or -1."},
    {"put_flight", as_method(put_flight), METH_FASTCALL,
     "put_flight(buffer, flight, /)\n--\n\n"
     "The handle of this number does not arrive if the message is not put."},
    {"is_putting", is_putting, METH_NOARGS,
     "is_putting()\n--\n\nWhether this thread makes a message that can have files."},
};

}  // namespace

shared::Outgoing OutgoingMessage::core() const {
  if (pickle != nullptr && all_files.empty()) return {bytes_of(pickle), 0, {}};
  return {bytes, outside, all_files};
}

bool make_message(PyObject* object, shared::FilePool* pool, OutgoingMessage* message) {
  if (make_plain(object, message)) return true;
  const bool with_files = pool != nullptr;
  message->pickle = pickle(object, with_files, message);
  if (message->pickle == nullptr) return false;
  const bool pickle_in_file = with_files && PyBytes_GET_SIZE(message->pickle) > kMostInline;
  if (message->buffers.empty() && message->files.empty() && !pickle_in_file) [[likely]]
    return true;
  if ((!message->buffers.empty() || pickle_in_file) &&
      !write_file(message, pickle_in_file, *pool)) {
    return false;
  }
  try {
    write_head(message, pickle_in_file);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  }
  return true;
}

void clear_message(OutgoingMessage* message, bool was_put) {
  Py_CLEAR(message->pickle);
  for (const auto& buffer : message->buffers) PyBuffer_Release(buffer.get());
  message->buffers.clear();
  if (message->flights.empty()) return;
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  for (const auto& [buffer, flight] : message->flights) {
    PyObject* done =
        was_put ? Py_NewRef(Py_None) : PyObject_CallMethod(buffer, "_recall", "i", flight);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
    Py_DECREF(buffer);
  }
  message->flights.clear();
  PyErr_Restore(type, value, traceback);
}

void bind_message(py::module_& m) {
  bind_arriving_messages(m);
  const py::module_ pickle_module = py::module_::import("pickle");
  dumps = py::object(pickle_module.attr("dumps")).release().ptr();
  protocol = py::int_(5).release().ptr();
  buffer_callback = PyCFunction_NewEx(&collect_method, nullptr, nullptr);
  if (buffer_callback == nullptr) throw py::error_already_set();
  names_of_two = py::make_tuple("protocol", "buffer_callback").release().ptr();
  names_of_protocol = py::make_tuple("protocol").release().ptr();
  for (PyMethodDef& method : functions) {
    PyObject* function = PyCFunction_NewEx(&method, nullptr, nullptr);
    if (function == nullptr) throw py::error_already_set();
    m.attr(method.ml_name) = py::reinterpret_steal<py::object>(function);
  }
}

}  // namespace nativeconc::seam
