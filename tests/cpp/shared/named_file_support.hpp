// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Files of segments for tests of names, made without what the library builds upon names.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "nativeconc/os/process_identity.hpp"
#include "nativeconc/shared/named_file.hpp"
#include "nativeconc/shared/shared_error.hpp"
#include "peer.hpp"

namespace nativeconc::shared::testing {

// All bytes of a whole segment whose data is zero.
inline std::vector<char> segment_bytes(std::uint64_t size, std::string_view meta = "") {
  SegmentHeader header = plan_header({SegmentKind::array, size, 1, 0, meta, 4096});
  header.id = make_segment_id();
  header.pid_namespace = os::this_process().pid_namespace;
  header.checksum = checksum_of(header, meta);
  std::vector<char> bytes(header.file_size);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::copy(meta.begin(), meta.end(), bytes.begin() + static_cast<long>(header.meta_offset));
  return bytes;
}

// Held, whole, and without a name.
inline FileDescriptor make_file(std::uint64_t size = 100, std::string_view meta = "") {
  FileDescriptor file = create_unnamed_file();
  const std::vector<char> bytes = segment_bytes(size, meta);
  EXPECT_EQ(pwrite(file.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return file;
}

inline FileDescriptor make_published(std::string_view name) {
  FileDescriptor file = make_file();
  publish(file, name);
  return file;
}

inline bool exists(std::string_view name) {
  struct stat status{};
  return lstat(path_of(name).c_str(), &status) == 0;
}

// What goes wrong in `what`; fails if nothing does.
template <class What>
SharedFault fault_of(What what) {
  try {
    what();
  } catch (const SharedError& error) {
    return error.fault();
  }
  ADD_FAILURE() << "no SharedError";
  return SharedFault::system;
}

inline SharedFault open_fault(std::string_view name) {
  return fault_of([&] { open_held(name, Access::read_write); });
}

// Removes the name at the end of a test, whatever has it.
class Name {
 public:
  Name() : text_(fresh_name()) {}
  ~Name() {
    if (unlink(path().c_str()) != 0) rmdir(path().c_str());
  }
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;

  operator std::string_view() const { return text_; }
  const std::string& text() const { return text_; }
  std::string path() const { return path_of(text_); }

 private:
  std::string text_;
};

}  // namespace nativeconc::shared::testing
