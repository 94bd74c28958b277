// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Unnamed files that one process writes again when nobody reads them any more. Most of what a fresh
// file costs are its pages, and here they are there already.
//
// Who still reads one is known to the kernel. A file goes out as an open file description with a
// read lock on it, which lasts as long as a descriptor, a mapping or a letter on its way refers to
// it, in whatever process, and which no death leaves behind. The pool keeps a description of its
// own, and writes a file again only when that one could take the write lock.
//
// Any thread. A child after fork has an empty pool: the descriptions are its parent's too, so their
// locks would tell it nothing. It closes them at once, since they would keep the files alive.
#pragma once

#include <array>
#include <cstdint>

#include "nativeconc/os/short_mutex.hpp"
#include "nativeconc/shared/file_descriptor.hpp"

namespace nativeconc::shared {

class FilePool {
 public:
  FilePool();
  ~FilePool();
  FilePool(const FilePool&) = delete;
  FilePool& operator=(const FilePool&) = delete;

  static constexpr std::size_t kMostFiles = 4;
  static constexpr std::uint64_t kMostBytes = 256 << 20;  // of all that are kept

  // A file of this size that nobody has, to be written and sent. What is in it is anything that has
  // been in it before. Not open if the pool has none.
  FileDescriptor take(std::uint64_t size);

  // Keeps a new file of this size for later. The descriptor is the one that goes out. Too big ones
  // are not kept, and neither is any where the system does not allow it.
  void keep(const FileDescriptor& file, std::uint64_t size);

  // Closes all that are kept.
  void clear();

 private:
  struct Kept {
    FileDescriptor file;
    std::uint64_t size = 0;
  };

  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();
  void make_room(std::uint64_t size);

  os::ShortMutex mutex_;
  std::array<Kept, kMostFiles> kept_;
  std::size_t next_ = 0;        // the one that has been kept longest
  FilePool* before_ = nullptr;  // in the list of all pools
  FilePool* after_ = nullptr;
};

}  // namespace nativeconc::shared
