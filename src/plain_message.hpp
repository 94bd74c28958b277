// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Small messages of builtin values, written and read without pickle, in a fraction of its time.
//
// Plain are None and exact bool, int (of 64 bits), float, str, bytes, tuple, list and dict, a few
// levels deep. What comes back is what pickle would have made of them: equal, of the same types,
// with dicts in their order. A list or dict that occurs twice in a message is left to pickle, which
// knows how to make it one object again; so is all that is larger than kMostPlain.
//
//   kPlainMessage, and the value: its Tag, and what the tag says follows. A pickle begins
//   otherwise.
//
// Needs the GIL; runs no Python code.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "python.hpp"

namespace nativeconc::seam {

inline constexpr std::byte kPlainMessage{0};
inline constexpr std::size_t kMostPlain = 4096;

// Returns the bytes written; empty if the object is not plain. Sets no Python error.
std::span<const std::byte> write_plain(PyObject* object, std::span<std::byte, kMostPlain> to);

inline bool is_plain(std::span<const std::byte> bytes) {
  return !bytes.empty() && bytes[0] == kPlainMessage;
}

// The object; null with a Python error (SegmentError if the bytes are no plain message).
PyObject* read_plain(std::span<const std::byte> bytes);

}  // namespace nativeconc::seam
