// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Files that are written again, but never while anybody can still read them.
#include "nativeconc/shared/file_pool.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "nativeconc/shared/mail.hpp"
#include "processes.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::join_child;
using testing::kill_child;
using testing::Shared;
using testing::start_child;

constexpr std::uint64_t kSize = 1 << 20;

// A new file that the pool keeps.
FileDescriptor make_file(FilePool& pool, std::uint64_t size = kSize) {
  FileDescriptor file(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(file.get(), static_cast<off_t>(size)), 0);
  pool.keep(file, size);
  return file;
}

ino_t id_of(const FileDescriptor& file) {
  struct stat status{};
  EXPECT_EQ(fstat(file.get(), &status), 0);
  return status.st_ino;
}

std::uint64_t size_of(const FileDescriptor& file) {
  struct stat status{};
  EXPECT_EQ(fstat(file.get(), &status), 0);
  return static_cast<std::uint64_t>(status.st_size);
}

// Descriptors of files that make_file() has made.
int open_files() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the iterator's own
    const std::filesystem::path target = std::filesystem::read_symlink(entry, gone);
    if (target.string().starts_with("/memfd:test")) ++count;
  }
  return count;
}

TEST(FilePool, HasNoneAtFirst) {
  FilePool pool;
  EXPECT_FALSE(pool.take(kSize).is_open());
}

TEST(FilePool, GivesAFileAgainWhenNobodyHasItAnyMore) {
  FilePool pool;
  FileDescriptor file = make_file(pool);
  const ino_t id = id_of(file);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(pool.take(kSize).is_open());
    file.close();
    file = pool.take(kSize);
    ASSERT_TRUE(file.is_open());
    EXPECT_EQ(id_of(file), id);
  }
}

TEST(FilePool, ADuplicateIsAReader) {
  FilePool pool;
  FileDescriptor file = make_file(pool);
  FileDescriptor copy(dup(file.get()));
  file.close();
  EXPECT_FALSE(pool.take(kSize).is_open());
  copy.close();
  EXPECT_TRUE(pool.take(kSize).is_open());
}

TEST(FilePool, AMappingIsAReader) {
  FilePool pool;
  FileDescriptor file = make_file(pool);
  void* const memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  file.close();
  EXPECT_FALSE(pool.take(kSize).is_open());
  munmap(memory, kSize);
  EXPECT_TRUE(pool.take(kSize).is_open());
}

TEST(FilePool, ALetterOnItsWayIsAReader) {
  FilePool pool;
  Mail mail;
  FileDescriptor file = make_file(pool);
  const int fd = file.get();
  int error = 0;
  ASSERT_EQ(mail.post(1, {&fd, 1}, &error), Step::done);
  file.close();
  EXPECT_FALSE(pool.take(kSize).is_open());
  std::vector<FileDescriptor> files;
  ASSERT_EQ(mail.peek(1, &files), 0);
  mail.drop(1);
  EXPECT_FALSE(pool.take(kSize).is_open());
  files.clear();
  EXPECT_TRUE(pool.take(kSize).is_open());
}

TEST(FilePool, ADeadReaderIsNone) {
  FilePool pool;
  FileDescriptor file = make_file(pool);
  Shared<std::atomic<bool>> is_mapped;
  const pid_t child = start_child([&] {
    mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, file.get(), 0);
    file.close();
    *is_mapped = true;
    pause();
  });
  testing::wait_until([&] { return is_mapped->load(); });
  file.close();
  EXPECT_FALSE(pool.take(kSize).is_open());
  kill_child(child);
  EXPECT_TRUE(pool.take(kSize).is_open());
}

TEST(FilePool, AChildHasNoneOfItsParentsFiles) {
  FilePool pool;
  make_file(pool).close();
  join_child(start_child([&] {
    EXPECT_FALSE(pool.take(kSize).is_open());
    make_file(pool).close();
    EXPECT_TRUE(pool.take(kSize).is_open());
  }));
  EXPECT_TRUE(pool.take(kSize).is_open());
}

TEST(FilePool, AChildKeepsNoneOfItsParentsFilesAlive) {
  FilePool pool;
  FilePool other;
  make_file(pool).close();
  make_file(other).close();
  EXPECT_EQ(open_files(), 2);
  join_child(start_child([&] { EXPECT_EQ(open_files(), 0); }));
  EXPECT_EQ(open_files(), 2);
}

TEST(FilePool, GivesBackAllWhenItIsCleared) {
  FilePool pool;
  for (int i = 0; i < 3; ++i) make_file(pool).close();
  pool.clear();
  EXPECT_EQ(open_files(), 0);
  EXPECT_FALSE(pool.take(kSize).is_open());
}

TEST(FilePool, AFileGetsTheSizeThatIsWanted) {
  FilePool pool;
  make_file(pool).close();
  for (const std::uint64_t size : {kSize / 2, kSize, kSize * 2, kSize * 2 - 5, kSize}) {
    const FileDescriptor file = pool.take(size);
    ASSERT_TRUE(file.is_open());
    EXPECT_EQ(size_of(file), size);
  }
}

TEST(FilePool, OneOfAnotherSizeIsLeftAlone) {
  FilePool pool;
  make_file(pool).close();
  EXPECT_FALSE(pool.take(kSize / 2 - 1).is_open());
  EXPECT_FALSE(pool.take(kSize * 2 + 2).is_open());
  EXPECT_TRUE(pool.take(kSize).is_open());
}

TEST(FilePool, KeepsOnlySoMany) {
  FilePool pool;
  std::vector<FileDescriptor> files;
  for (std::size_t i = 0; i < FilePool::kMostFiles + 2; ++i) files.push_back(make_file(pool));
  const ino_t forgotten = id_of(files[1]);
  files.clear();
  for (std::size_t i = 0; i < FilePool::kMostFiles; ++i) {
    files.push_back(pool.take(kSize));
    ASSERT_TRUE(files.back().is_open());
    EXPECT_NE(id_of(files.back()), forgotten);
  }
  EXPECT_FALSE(pool.take(kSize).is_open());
}

TEST(FilePool, KeepsOnlySoMuch) {
  constexpr std::uint64_t kBig = FilePool::kMostBytes / 2;  // holes: they take no memory
  FilePool pool;
  make_file(pool, FilePool::kMostBytes + 1).close();
  EXPECT_FALSE(pool.take(FilePool::kMostBytes + 1).is_open());
  for (int i = 0; i < 3; ++i) make_file(pool, kBig).close();
  const FileDescriptor first = pool.take(kBig);
  EXPECT_TRUE(first.is_open());
  EXPECT_FALSE(pool.take(kBig + 1).is_open());  // that would be too much in all
  const FileDescriptor second = pool.take(kBig);
  EXPECT_TRUE(second.is_open());
  EXPECT_FALSE(pool.take(kBig).is_open());
}

TEST(FilePool, WhatIsKeptGoesWithThePool) {
  {
    FilePool pool;
    make_file(pool).close();
    EXPECT_EQ(open_files(), 1);
  }
  EXPECT_EQ(open_files(), 0);
}

}  // namespace
}  // namespace nativeconc::shared
