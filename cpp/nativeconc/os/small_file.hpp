// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Reading the kernel's text files (/proc, cgroups): one open, few reads, one close.
//
// Any thread. read_small_file() allocates nothing and takes no lock, so a child just forked may
// call it. The kernel makes these texts when they are read: what was read together belongs
// together.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nativeconc::os {

// The text of a file, as far as it fits into the buffer; nullopt if it cannot be read.
std::optional<std::string_view> read_small_file(const char* path, std::span<char> buffer);

// The whole text of a file of any length.
std::optional<std::string> read_file(const char* path);

// Cuts the text off up to the separator and returns it; the separator is dropped. All of a text
// that has none.
std::string_view take_until(std::string_view& text, char separator);

// The decimal number that the text starts with, after spaces.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace nativeconc::os
