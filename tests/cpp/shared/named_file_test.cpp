// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/shared/named_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "named_file_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::exists;
using testing::fault_of;
using testing::make_file;
using testing::make_published;
using testing::Name;
using testing::open_fault;
using testing::Peer;

bool is_listed(const Name& name) {
  const std::vector<std::string> names = list_names();
  return std::find(names.begin(), names.end(), name.text()) != names.end();
}

void write_file(const std::string& path, const std::vector<char>& bytes, mode_t mode = 0600) {
  const FileDescriptor file(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
  ASSERT_TRUE(file.is_open());
  ASSERT_EQ(fchmod(file.get(), mode), 0);
  ASSERT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

TEST(NamedFile, HasItsNameOnlyWhenPublished) {
  const Name name;
  const FileDescriptor file = make_file();
  EXPECT_FALSE(exists(name));
  EXPECT_EQ(open_fault(name), SharedFault::not_found);
  publish(file, name);
  EXPECT_TRUE(exists(name));
  EXPECT_TRUE(is_listed(name));
}

TEST(NamedFile, IsPrivateWhateverTheUmask) {
  const Name name;
  for (const mode_t mask : {0000, 0777}) {
    const mode_t before = umask(mask);
    const FileDescriptor file = make_published(name);
    umask(before);
    struct stat status{};
    ASSERT_EQ(fstat(file.get(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u);
    EXPECT_TRUE(open_held(name, Access::read_write).file.is_open());
    ASSERT_EQ(unlink(name.path().c_str()), 0);
  }
}

TEST(NamedFile, ASecondOneOfANameThatIsHeldIsRefused) {
  const Name name;
  const FileDescriptor first = make_published(name);
  const FileDescriptor second = make_file();
  EXPECT_EQ(fault_of([&] { refuse_if_taken(name); }), SharedFault::exists);
  EXPECT_EQ(fault_of([&] { publish(second, name); }), SharedFault::exists);
  EXPECT_FALSE(remove_if_unheld(name));
  EXPECT_TRUE(exists(name));
}

TEST(NamedFile, OpenedIsWhatWasPublished) {
  const Name name;
  const FileDescriptor file = make_file(12345, "some meta bytes");
  publish(file, name);
  for (const Access access : {Access::read_write, Access::read_only}) {
    const HeldFile held = open_held(name, access);
    EXPECT_EQ(held.header.size, 12345u);
    EXPECT_EQ(held.meta, "some meta bytes");
    const int mode = fcntl(held.file.get(), F_GETFL) & O_ACCMODE;
    EXPECT_EQ(mode, access == Access::read_only ? O_RDONLY : O_RDWR);
    EXPECT_NE(fcntl(held.file.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST(NamedFile, TheLastToLeaveRemovesTheName) {
  const Name name;
  FileDescriptor first = make_published(name);
  HeldFile second = open_held(name, Access::read_write);
  HeldFile third = open_held(name, Access::read_only);
  first.close();
  EXPECT_FALSE(remove_if_unheld(name));
  second.file.close();
  EXPECT_FALSE(remove_if_unheld(name));
  third.file.close();
  // Any other process that uses the library may come first.
  EXPECT_TRUE(remove_if_unheld(name) || !exists(name));
  EXPECT_FALSE(exists(name));
  EXPECT_FALSE(remove_if_unheld(name));
}

TEST(NamedFile, WhoLeavesRemovesTheNameOnlyAsTheLast) {
  const Name name;
  const FileDescriptor first = make_published(name);
  const HeldFile second = open_held(name, Access::read_only);
  leave(first, name);
  EXPECT_TRUE(exists(name)) << "the second still holds it";
  leave(second.file, name);
  EXPECT_FALSE(exists(name));
}

TEST(NamedFile, WhatOnlyTheDeadHeldIsNotFoundAndRemoved) {
  const Name name;
  const auto leave_one_behind = [&name] {
    Peer peer([&name](const Peer& self) {
      const FileDescriptor file = make_published(name);
      self.stop();
      return 0;
    });
    ASSERT_TRUE(peer.wait_for_stop());
    EXPECT_TRUE(open_held(name, Access::read_write).file.is_open());
    peer.kill_now();
  };
  leave_one_behind();
  EXPECT_EQ(open_fault(name), SharedFault::not_found);
  EXPECT_FALSE(exists(name));
  leave_one_behind();
  remove_if_unheld(name);
  EXPECT_FALSE(exists(name));
  leave_one_behind();
  refuse_if_taken(name);
  EXPECT_FALSE(exists(name));
  leave_one_behind();
  const FileDescriptor mine = make_published(name);
  EXPECT_TRUE(open_held(name, Access::read_write).file.is_open());
}

TEST(NamedFile, AForkedChildHoldsOnWhenItsParentLeaves) {
  const Name name;
  FileDescriptor file = make_published(name);
  Peer peer([](const Peer& self) {
    self.stop();
    return 0;
  });
  ASSERT_TRUE(peer.wait_for_stop());
  file.close();
  EXPECT_FALSE(remove_if_unheld(name));
  EXPECT_TRUE(open_held(name, Access::read_write).file.is_open());
  peer.kill_now();
  EXPECT_EQ(open_fault(name), SharedFault::not_found);
}

// What is in the way must neither be taken for a segment nor removed.
void expect_foreign(const Name& name) {
  EXPECT_EQ(open_fault(name), SharedFault::damaged);
  EXPECT_EQ(fault_of([&] { open_held(name, Access::read_only); }), SharedFault::damaged);
  EXPECT_EQ(fault_of([&] { refuse_if_taken(name); }), SharedFault::damaged);
  const FileDescriptor file = make_file();
  EXPECT_EQ(fault_of([&] { publish(file, name); }), SharedFault::damaged);
  EXPECT_FALSE(remove_if_unheld(name));
  EXPECT_TRUE(exists(name)) << "it is not ours to remove";
}

TEST(NamedFile, ForeignFilesAreDamagedAndStay) {
  const std::string text = "a text that somebody keeps here";
  for (const std::vector<char>& bytes :
       {std::vector<char>{}, std::vector<char>(text.begin(), text.end()),
        std::vector<char>(1 << 16)}) {
    const Name name;
    write_file(name.path(), bytes);
    expect_foreign(name);
  }
}

TEST(NamedFile, HalfASegmentIsDamagedAndStays) {
  const std::vector<char> whole = testing::segment_bytes(10000, "meta");
  for (const std::size_t size :
       {sizeof(SegmentHeader) - 1, sizeof(SegmentHeader), std::size_t{4096}, whole.size() - 1}) {
    const Name name;
    write_file(name.path(), {whole.begin(), whole.begin() + static_cast<long>(size)});
    expect_foreign(name);
  }
}

TEST(NamedFile, AFileThatOthersMayOpenIsDamagedAndStays) {
  for (const mode_t mode : {0640, 0602, 0601, 0666}) {
    const Name name;
    write_file(name.path(), testing::segment_bytes(100), mode);
    expect_foreign(name);
  }
}

TEST(NamedFile, AFileOfAnotherUserIsDamagedAndStays) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const Name name;
  write_file(name.path(), testing::segment_bytes(100));
  ASSERT_EQ(chown(name.path().c_str(), 12345, 12345), 0);
  expect_foreign(name);
}

TEST(NamedFile, AFileThatMayNotBeOpenedIsDamagedAndStays) {
  const auto body = [] {
    // Root may open anything: be somebody else.
    if (geteuid() == 0 && seteuid(12345) != 0) return 1;
    const Name name;
    write_file(name.path(), testing::segment_bytes(100), 0000);
    expect_foreign(name);
    return ::testing::Test::HasFailure() ? 2 : 0;
  };
  EXPECT_EQ(nativeconc::testing::run_in_child(body), 0);
}

TEST(NamedFile, WhatIsNoRegularFileIsDamagedAndStays) {
  {
    const Name directory;
    ASSERT_EQ(mkdir(directory.path().c_str(), 0700), 0);
    expect_foreign(directory);
  }
  {
    const Name pipe;
    ASSERT_EQ(mkfifo(pipe.path().c_str(), 0600), 0);
    expect_foreign(pipe);
  }
  {
    const Name socket_name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_name.path().copy(address.sun_path, sizeof address.sun_path - 1);
    const FileDescriptor file(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(file.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    expect_foreign(socket_name);
  }
}

TEST(NamedFile, ASymbolicLinkIsDamagedAndStaysWithWhatItMeans) {
  const Name real;
  const FileDescriptor held = make_published(real);
  const Name link;
  ASSERT_EQ(symlink(real.path().c_str(), link.path().c_str()), 0);
  expect_foreign(link);
  EXPECT_TRUE(exists(real));
  const Name dangling;
  ASSERT_EQ(symlink("/nowhere/at/all", dangling.path().c_str()), 0);
  expect_foreign(dangling);
}

TEST(NamedFile, ASegmentOfAnotherPidNamespaceIsRefusedWhileItIsHeldAndRemovedAfterwards) {
  std::vector<char> bytes = testing::segment_bytes(100);
  SegmentHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  ++header.pid_namespace;
  header.checksum = checksum_of(header, "");
  std::memcpy(bytes.data(), &header, sizeof header);
  const Name name;
  write_file(name.path(), bytes);
  {
    const FileDescriptor holder(open(name.path().c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(flock(holder.get(), LOCK_SH), 0);
    EXPECT_EQ(fault_of([&] { open_held(name, Access::read_write); }), SharedFault::damaged);
    EXPECT_EQ(fault_of([&] { refuse_if_taken(name); }), SharedFault::damaged);
    EXPECT_FALSE(remove_if_unheld(name));
    EXPECT_TRUE(exists(name));
  }
  EXPECT_TRUE(remove_if_unheld(name) || !exists(name)) << "locks count in every namespace";
  EXPECT_FALSE(exists(name));
}

TEST(NamedFile, WhatCannotBeANameIsAnInvalidArgument) {
  for (const std::string& bad :
       {std::string(), std::string("a/b"), std::string("/"), std::string("a\nb"),
        std::string("a\0b", 3), std::string(kMaxName + 1, 'x')}) {
    EXPECT_THROW(path_of(bad), std::invalid_argument);
    EXPECT_THROW(open_held(bad, Access::read_write), std::invalid_argument);
    EXPECT_FALSE(remove_if_unheld(bad)) << "it never throws";
  }
  for (const std::string& good : {std::string("."), std::string(".."), std::string("a b"),
                                  std::string("größe"), std::string(kMaxName, 'x')}) {
    EXPECT_TRUE(path_of(good).starts_with("/dev/shm/nativeconc-")) << good;
  }
}

TEST(NamedFile, WhatCannotBeANameIsNotListed) {
  const std::string folder_and_prefix = path_of("x").substr(0, path_of("x").size() - 1);
  const Name base;
  for (const std::string& bad : {base.text() + "\t", base.text() + std::string(kMaxName, 'x')}) {
    const std::string path = folder_and_prefix + bad;
    write_file(path, {});
    const std::vector<std::string> names = list_names();
    EXPECT_EQ(std::find(names.begin(), names.end(), bad), names.end());
    EXPECT_EQ(unlink(path.c_str()), 0);
  }
}

// read_header() looks at a copy before anything is mapped: nothing in a file can hurt.
TEST(NamedFile, DamagedBytesAreRefusedWithoutHarm) {
  std::mt19937 random(3);
  const std::vector<char> whole = testing::segment_bytes(5000, "float64 (5, 125)");
  constexpr std::size_t kHead = sizeof(SegmentHeader);
  for (int trial = 0; trial < 500 * nativeconc::testing::kScale; ++trial) {
    std::vector<char> bytes = whole;
    for (auto i = random() % 4 + 1; i > 0; --i) {
      char& byte = bytes.at(random() % kHead);
      byte = static_cast<char>(byte ^ 1 << random() % 8);
    }
    if (random() % 2 == 0) bytes.resize(random() % bytes.size());
    if (bytes == whole) continue;
    if (bytes.size() > kHead && random() % 2 == 0) {  // only the structure is wrong then
      SegmentHeader header;
      std::memcpy(&header, bytes.data(), sizeof header);
      header.file_size = bytes.size();
      header.checksum = checksum_of(header, "float64 (5, 125)");
      std::memcpy(bytes.data(), &header, sizeof header);
    }
    const FileDescriptor file = create_unnamed_file();
    ASSERT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    std::string meta;
    try {
      const SegmentHeader header = read_header(file.get(), "it", &meta);
      EXPECT_EQ(meta.size(), header.meta_size);
      EXPECT_LE(header.data_offset + header.size, bytes.size());
    } catch (const SharedError& error) {
      EXPECT_EQ(error.fault(), SharedFault::damaged);
    }
  }
}

}  // namespace
}  // namespace nativeconc::shared
