// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/os/small_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace nativeconc::os {
namespace {

class Reader {
 public:
  explicit Reader(const char* path) : fd_(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~Reader() {
    if (fd_ >= 0) close(fd_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // How many bytes of the buffer were filled: all, or fewer at the file's end; nullopt on an error.
  std::optional<std::size_t> fill(std::span<char> buffer) const {
    if (fd_ < 0) return std::nullopt;
    std::size_t size = 0;
    while (size < buffer.size()) {
      const ssize_t got = read(fd_, buffer.data() + size, buffer.size() - size);
      if (got == 0) break;
      if (got > 0) {
        size += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        return std::nullopt;
      }
    }
    return size;
  }

 private:
  int fd_;
};

}  // namespace

std::optional<std::string_view> read_small_file(const char* path, std::span<char> buffer) {
  const auto size = Reader(path).fill(buffer);
  if (!size) return std::nullopt;
  return std::string_view(buffer.data(), *size);
}

std::optional<std::string> read_file(const char* path) {
  constexpr std::size_t kFirst = 8192;
  const Reader reader(path);
  std::string text;
  for (std::size_t size = 0;;) {
    text.resize(std::max(kFirst, 2 * size));
    const auto got = reader.fill(std::span(text).subspan(size));
    if (!got) return std::nullopt;
    size += *got;
    if (size < text.size()) {
      text.resize(size);
      return text;
    }
  }
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace nativeconc::os
