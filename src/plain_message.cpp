// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "plain_message.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "errors.hpp"

namespace nativeconc::seam {
namespace {

enum class Tag : std::uint8_t {
  none,
  true_,
  false_,
  integer,   // std::int64_t
  floating,  // double
  bytes,     // Size, and so many bytes
  text1,     // Size, and so many code points of 1 byte each,
  text2,     // or 2,
  text4,     // or 4
  tuple,     // Size, and so many values
  list,      // the same
  dict,      // Size, and so many keys, each with its value
};

using Size = std::uint16_t;
static_assert(kMostPlain <= UINT16_MAX);

constexpr int kMostDepth = 16;

// --- writing. Each function returns whether the object is plain, and fits.

class Writer {
 public:
  explicit Writer(std::span<std::byte, kMostPlain> to) : to_(to) { to_[0] = kPlainMessage; }

  bool write(PyObject* object, int depth);
  std::span<const std::byte> written() const { return to_.first(used_); }

 private:
  template <class Value>
  bool append(Tag tag, const Value& value) {
    return append_bytes(tag, &value, sizeof value);
  }

  bool append_bytes(Tag tag, const void* data, std::size_t size) {
    if (size >= to_.size() - used_) return false;
    to_[used_] = static_cast<std::byte>(tag);
    if (size > 0) std::memcpy(&to_[used_ + 1], data, size);
    used_ += 1 + size;
    return true;
  }

  bool append_sized(Tag tag, const void* data, Py_ssize_t count, std::size_t each) {
    const auto many = static_cast<std::size_t>(count);
    if (many > kMostPlain || many * each + sizeof(Size) >= to_.size() - used_) return false;
    if (!append(tag, static_cast<Size>(many))) return false;
    std::memcpy(to_.data() + used_, data, many * each);
    used_ += many * each;
    return true;
  }

  // Each value takes a byte at least.
  bool append_count(Tag tag, Py_ssize_t count) {
    return count <= static_cast<Py_ssize_t>(kMostPlain) && append(tag, static_cast<Size>(count));
  }

  bool write_integer(PyObject* object);
  bool write_text(PyObject* text);
  bool write_tuple(Tag tag, PyObject* tuple, int depth);
  bool write_list(PyObject* list, int depth);
  bool write_dict(PyObject* dict, int depth);
  bool is_first_sight(PyObject* container);

  std::span<std::byte, kMostPlain> to_;
  std::size_t used_ = 1;
  std::array<PyObject*, 32> seen_{};  // lists and dicts
  std::size_t seen_count_ = 0;
};

bool Writer::write(PyObject* object, int depth) {
  if (PyUnicode_CheckExact(object)) return write_text(object);
  if (PyLong_CheckExact(object)) return write_integer(object);
  if (object == Py_None) return append_bytes(Tag::none, nullptr, 0);
  if (object == Py_True) return append_bytes(Tag::true_, nullptr, 0);
  if (object == Py_False) return append_bytes(Tag::false_, nullptr, 0);
  if (PyFloat_CheckExact(object)) return append(Tag::floating, PyFloat_AS_DOUBLE(object));
  if (PyBytes_CheckExact(object)) {
    return append_sized(Tag::bytes, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), 1);
  }
  if (depth == kMostDepth) return false;
  if (PyTuple_CheckExact(object)) return write_tuple(Tag::tuple, object, depth + 1);
  if (PyDict_CheckExact(object)) return is_first_sight(object) && write_dict(object, depth + 1);
  if (PyList_CheckExact(object)) return is_first_sight(object) && write_list(object, depth + 1);
  return false;
}

bool Writer::write_integer(PyObject* object) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  return overflow == 0 && append(Tag::integer, std::int64_t{value});
}

bool Writer::write_text(PyObject* text) {
#if PY_VERSION_HEX < 0x030C0000
  if (PyUnicode_READY(text) != 0) {
    PyErr_Clear();
    return false;
  }
#endif
  const int kind = PyUnicode_KIND(text);
  const Tag tag = kind == 1 ? Tag::text1 : kind == 2 ? Tag::text2 : Tag::text4;
  return append_sized(tag, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text),
                      static_cast<std::size_t>(kind));
}

bool Writer::write_tuple(Tag tag, PyObject* tuple, int depth) {
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  if (!append_count(tag, count)) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!write(PyTuple_GET_ITEM(tuple, i), depth)) return false;
  }
  return true;
}

#ifdef Py_GIL_DISABLED

// Others may change them meanwhile: what is written is a copy.
bool Writer::write_list(PyObject* list, int depth) {
  if (PyList_GET_SIZE(list) > static_cast<Py_ssize_t>(kMostPlain)) return false;
  PyObject* copy = PyList_AsTuple(list);
  const bool is_written = copy != nullptr && write_tuple(Tag::list, copy, depth);
  if (copy == nullptr) PyErr_Clear();
  Py_XDECREF(copy);
  return is_written;
}

bool Writer::write_dict(PyObject* original, int depth) {
  if (PyDict_GET_SIZE(original) > static_cast<Py_ssize_t>(kMostPlain)) return false;
  PyObject* dict = PyDict_Copy(original);
  if (dict == nullptr) PyErr_Clear();
  bool is_written = dict != nullptr && append_count(Tag::dict, PyDict_GET_SIZE(dict));
  PyObject *key = nullptr, *value = nullptr;
  for (Py_ssize_t i = 0; is_written && PyDict_Next(dict, &i, &key, &value) != 0;) {
    is_written = write(key, depth) && write(value, depth);
  }
  Py_XDECREF(dict);
  return is_written;
}

#else

bool Writer::write_list(PyObject* list, int depth) {
  const Py_ssize_t count = PyList_GET_SIZE(list);
  if (!append_count(Tag::list, count)) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!write(PyList_GET_ITEM(list, i), depth)) return false;
  }
  return true;
}

bool Writer::write_dict(PyObject* dict, int depth) {
  if (!append_count(Tag::dict, PyDict_GET_SIZE(dict))) return false;
  PyObject *key = nullptr, *value = nullptr;
  for (Py_ssize_t i = 0; PyDict_Next(dict, &i, &key, &value) != 0;) {
    if (!write(key, depth) || !write(value, depth)) return false;
  }
  return true;
}

#endif

bool Writer::is_first_sight(PyObject* container) {
  PyObject** const end = seen_.data() + seen_count_;
  if (seen_count_ == seen_.size() || std::find(seen_.data(), end, container) != end) return false;
  *end = container;
  ++seen_count_;
  return true;
}

// --- reading. Each function returns null for bytes that make no sense, without a Python error, or
// with one.

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

  PyObject* read(int depth);
  bool is_at_end() const { return left_.empty(); }

 private:
  template <class Value>
  bool take(Value* value) {
    if (sizeof *value > left_.size()) return false;
    std::memcpy(value, left_.data(), sizeof *value);
    left_ = left_.subspan(sizeof *value);
    return true;
  }

  // So many items of this size each; null if there are fewer.
  const void* take_sized(Py_ssize_t* count, std::size_t each) {
    Size many = 0;
    if (!take(&many) || many * each > left_.size()) return nullptr;
    const void* const data = left_.data();
    left_ = left_.subspan(many * each);
    *count = many;
    return data;
  }

  PyObject* read_text(int kind) {
    Py_ssize_t count = 0;
    const void* const data = take_sized(&count, static_cast<std::size_t>(kind));
    if (data == nullptr) return nullptr;
    if (kind == PyUnicode_1BYTE_KIND) return PyUnicode_FromKindAndData(kind, data, count);
    // Code points of several bytes must be aligned.
    std::array<Py_UCS4, kMostPlain / sizeof(Py_UCS4)> aligned;
    const auto size = static_cast<std::size_t>(count * kind);
    if (size > sizeof aligned) return nullptr;
    std::memcpy(aligned.data(), data, size);
    return PyUnicode_FromKindAndData(kind, aligned.data(), count);
  }

  PyObject* read_bytes() {
    Py_ssize_t count = 0;
    const void* const data = take_sized(&count, 1);
    return data == nullptr ? nullptr
                           : PyBytes_FromStringAndSize(static_cast<const char*>(data), count);
  }

  PyObject* read_sequence(Tag tag, int depth);
  PyObject* read_dict(int depth);

  std::span<const std::byte> left_;
};

PyObject* Reader::read(int depth) {
  Tag tag{};
  if (!take(&tag)) return nullptr;
  switch (tag) {
    case Tag::none:
      return Py_NewRef(Py_None);
    case Tag::true_:
      return Py_NewRef(Py_True);
    case Tag::false_:
      return Py_NewRef(Py_False);
    case Tag::integer: {
      std::int64_t value = 0;
      return take(&value) ? PyLong_FromLongLong(value) : nullptr;
    }
    case Tag::floating: {
      double value = 0;
      return take(&value) ? PyFloat_FromDouble(value) : nullptr;
    }
    case Tag::bytes:
      return read_bytes();
    case Tag::text1:
      return read_text(PyUnicode_1BYTE_KIND);
    case Tag::text2:
      return read_text(PyUnicode_2BYTE_KIND);
    case Tag::text4:
      return read_text(PyUnicode_4BYTE_KIND);
    case Tag::tuple:
    case Tag::list:
      return depth == kMostDepth ? nullptr : read_sequence(tag, depth + 1);
    case Tag::dict:
      return depth == kMostDepth ? nullptr : read_dict(depth + 1);
  }
  return nullptr;
}

PyObject* Reader::read_sequence(Tag tag, int depth) {
  Size count = 0;
  if (!take(&count) || count > left_.size()) return nullptr;
  const bool is_list = tag == Tag::list;
  PyObject* result = is_list ? PyList_New(count) : PyTuple_New(count);
  for (Py_ssize_t i = 0; result != nullptr && i < count; ++i) {
    PyObject* item = read(depth);
    if (item == nullptr) {
      Py_CLEAR(result);
    } else if (is_list) {
      PyList_SET_ITEM(result, i, item);
    } else {
      PyTuple_SET_ITEM(result, i, item);
    }
  }
  return result;
}

PyObject* Reader::read_dict(int depth) {
  Size count = 0;
  PyObject* dict = take(&count) ? PyDict_New() : nullptr;
  for (Size i = 0; dict != nullptr && i < count; ++i) {
    PyObject* key = read(depth);
    PyObject* value = key == nullptr ? nullptr : read(depth);
    if (value == nullptr || PyDict_SetItem(dict, key, value) != 0) Py_CLEAR(dict);
    Py_XDECREF(key);
    Py_XDECREF(value);
  }
  return dict;
}

}  // namespace

std::span<const std::byte> write_plain(PyObject* object, std::span<std::byte, kMostPlain> to) {
  Writer writer(to);
  if (!writer.write(object, 0)) return {};
  return writer.written();
}

PyObject* read_plain(std::span<const std::byte> bytes) {
  Reader reader(bytes.subspan(1));
  PyObject* object = reader.read(0);
  if (object != nullptr && !reader.is_at_end()) Py_CLEAR(object);
  if (object == nullptr && PyErr_Occurred() == nullptr) {
    PyErr_SetString(errors().segment_error, "a message of the queue is damaged");
  }
  return object;
}

}  // namespace nativeconc::seam
