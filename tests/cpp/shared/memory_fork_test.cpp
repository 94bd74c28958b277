// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Shared memory across forks, and between processes that send each other handles.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "arena_support.hpp"
#include "memory_support.hpp"
#include "named_file_support.hpp"
#include "nativeconc/shared/memory.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::create;
using testing::exists;
using testing::fault_of;
using testing::fill;
using testing::is_filled;
using testing::memory;
using testing::Name;
using testing::open_files;
using testing::Peer;
using testing::shared_mappings;

constexpr std::uint64_t kSize = 1000;

std::vector<Lease> take(std::size_t n, int content) {
  std::vector<Lease> leases;
  for (std::size_t i = 0; i < n; ++i) {
    leases.push_back(memory().take_block(kSize, false));
    fill(leases.back(), content);
  }
  return leases;
}

void release(const std::vector<Lease>& leases) {
  for (const Lease& lease : leases) memory().release(lease);
}

bool are_filled(const std::vector<Lease>& leases, int content) {
  return std::all_of(leases.begin(), leases.end(),
                     [content](const Lease& lease) { return is_filled(lease, content); });
}

// Takes what there is without a new arena being made, and gives it back: which blocks are free?
std::set<std::byte*> free_blocks() {
  std::vector<Lease> leases;
  std::set<std::byte*> blocks;
  const int mappings = shared_mappings();
  do {
    leases.push_back(memory().take_block(kSize, false));
    if (shared_mappings() == mappings) blocks.insert(leases.back().data);
  } while (shared_mappings() == mappings);
  release(leases);
  return blocks;
}

bool any_is_free(const std::vector<Lease>& leases) {
  const std::set<std::byte*> blocks = free_blocks();
  return std::any_of(leases.begin(), leases.end(),
                     [&](const Lease& lease) { return blocks.contains(lease.data); });
}

bool all_are_free(const std::vector<Lease>& leases) {
  const std::set<std::byte*> blocks = free_blocks();
  return std::all_of(leases.begin(), leases.end(),
                     [&](const Lease& lease) { return blocks.contains(lease.data); });
}

// An arena is given back when nothing of it is in use: this keeps the tests' one.
class MemoryFork : public ::testing::Test {
 protected:
  void SetUp() override {
    memory().trim();
    keep_ = memory().take_block(kSize, false);
  }
  void TearDown() override {
    memory().release(keep_);
    memory().trim();
  }

 private:
  Lease keep_;
};

TEST_F(MemoryFork, WhatAChildInheritsStaysWhateverTheParentDoes) {
  const std::vector<Lease> leases = take(50, 1);
  Peer child([&leases](const Peer& self) {
    self.stop();
    return are_filled(leases, 1) ? 0 : 1;
  });
  ASSERT_TRUE(child.wait_for_stop());
  release(leases);
  for (int round = 0; round < 5; ++round) release(take(500, 2));
  EXPECT_FALSE(any_is_free(leases));
  child.proceed();
  EXPECT_EQ(child.wait_for_end(), 0);
  EXPECT_TRUE(all_are_free(leases)) << "the child is gone";
}

TEST_F(MemoryFork, WhatAKilledChildInheritedComesBack) {
  const std::vector<Lease> leases = take(50, 1);
  Peer child([](const Peer& self) {
    self.stop();
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  release(leases);
  EXPECT_FALSE(any_is_free(leases));
  child.kill_now();
  EXPECT_TRUE(all_are_free(leases));
}

TEST_F(MemoryFork, WhatAChildReleasesComesBackWhileItLives) {
  const std::vector<Lease> leases = take(50, 1);
  Peer child([&leases](const Peer& self) {
    release(leases);
    self.stop();
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  EXPECT_TRUE(are_filled(leases, 1));
  release(leases);
  EXPECT_TRUE(all_are_free(leases));
}

TEST_F(MemoryFork, AChildTakesBlocksOfItsOwn) {
  const std::vector<Lease> leases = take(50, 1);
  Peer child([&leases](const Peer&) {
    for (int round = 0; round < 5; ++round) {
      const std::vector<Lease> mine = take(500, 3);
      if (!are_filled(mine, 3)) return 1;
      release(mine);
    }
    return are_filled(leases, 1) ? 0 : 2;
  });
  EXPECT_EQ(child.wait_for_end(), 0);
  EXPECT_TRUE(are_filled(leases, 1));
  release(leases);
}

TEST_F(MemoryFork, AGrandchildHoldsWhenItsParentIsGone) {
  const std::vector<Lease> leases = take(50, 1);
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  // The grandchild ends when the test closes its end of the pipe; its exit is seen by the slot.
  Peer child([&](const Peer& self) {
    if (fork() == 0) {
      alarm(100);
      close(ends[1]);
      char word = 0;
      self.stop();
      if (read(ends[0], &word, 1) != 1) _exit(2);
      word = are_filled(leases, 1) ? 'y' : 'n';
      leases.front().data[0] = static_cast<std::byte>(word);
      _exit(0);
    }
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  EXPECT_EQ(child.wait_for_end(), 0);
  release(leases);
  for (int round = 0; round < 5; ++round) release(take(500, 2));
  EXPECT_FALSE(any_is_free(leases));
  child.proceed();
  EXPECT_EQ(write(ends[1], "g", 1), 1);
  while (leases.front().data[0] == std::byte{1}) usleep(200);
  EXPECT_EQ(leases.front().data[0], static_cast<std::byte>('y'));
  while (!all_are_free(leases)) usleep(200);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(MemoryFork, ForksWithoutEndUseNoSlotForEver) {
  const std::vector<Lease> leases = take(50, 1);
  for (std::uint32_t i = 0; i < 2 * kMaxSlots; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    waitpid(pid, nullptr, 0);
  }
  release(leases);
  EXPECT_TRUE(all_are_free(leases));
}

TEST_F(MemoryFork, AChildKeepsNoMoreThanItsParentHad) {
  const std::vector<Lease> leases = take(5, 1);
  const std::ptrdiff_t files = open_files();
  const int mappings = shared_mappings();
  Peer child([&](const Peer&) {
    static_cast<void>(memory().receive(Handle{}, Access::read_write));  // anything at all
    // Two pipes' ends are open beside what the parent had.
    if (open_files() > files + 2 || shared_mappings() > mappings) return 1;
    return 0;
  });
  EXPECT_EQ(child.wait_for_end(), 0);
  EXPECT_EQ(shared_mappings(), mappings);
  release(leases);
}

TEST_F(MemoryFork, PlainSegmentsAreSharedWithAChild) {
  const Lease lease = memory().add(create({SegmentKind::buffer, 100'000, 1, 0, "", 4096}));
  fill(lease, 1);
  Peer child([&lease](const Peer& self) {
    self.stop();
    if (!is_filled(lease, 1)) return 1;
    memory().release(lease);
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  memory().release(lease);
  child.proceed();
  EXPECT_EQ(child.wait_for_end(), 0);
}

TEST_F(MemoryFork, ANameLivesAsLongAsOneOfParentAndChildDoes) {
  const Name name;
  const Lease lease = memory().add(
      create({SegmentKind::buffer, 1000, 1, 0, "", 4096}, {name.text(), false, false}));
  Peer child([&lease](const Peer& self) {
    self.stop();
    memory().release(lease);
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  memory().release(lease);
  EXPECT_TRUE(exists(name));
  memory().release(memory().open(name, Access::read_only));
  EXPECT_TRUE(exists(name));
  child.proceed();
  EXPECT_EQ(child.wait_for_end(), 0);
  EXPECT_FALSE(exists(name)) << "the child was the last";
}

// What a test and its child say to each other beside handles.
struct Mail {
  Handle handle;
  int fd = -1;
};

// Memory that both have, and that is none of the library's.
Mail* make_mail() {
  void* at = mmap(nullptr, sizeof(Mail), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (at) Mail;
}

FileDescriptor open_of(pid_t pid, int fd) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
  return FileDescriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
}

Lease receive_from(pid_t pid, const Mail& mail) {
  const Lease lease = memory().receive(mail.handle, Access::read_write);
  if (lease.segment != nullptr) return lease;
  return memory().receive(mail.handle, Access::read_write, open_of(pid, mail.fd));
}

class MemoryMail : public MemoryFork {
 protected:
  ~MemoryMail() override { munmap(mail_, sizeof *mail_); }

  void send(const Lease& lease) {
    mail_->handle = memory().send(lease);
    mail_->fd = lease.segment->fd();
  }

  Mail* mail_ = make_mail();
};

TEST_F(MemoryMail, WhatAnotherProcessReceivesStaysUntilItReleases) {
  Peer child([this](const Peer& self) {
    self.stop();
    const Lease lease = receive_from(getppid(), *mail_);
    if (!is_filled(lease, 1)) return 1;
    self.stop();
    if (!is_filled(lease, 1)) return 2;
    memory().release(lease);
    self.stop();
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  const std::vector<Lease> leases = take(1, 1);
  send(leases.front());
  EXPECT_FALSE(Memory::arrived(leases.front(), mail_->handle));
  child.proceed();
  ASSERT_TRUE(child.wait_for_stop());
  EXPECT_TRUE(Memory::arrived(leases.front(), mail_->handle));
  release(leases);
  for (int round = 0; round < 5; ++round) release(take(500, 2));
  EXPECT_FALSE(any_is_free(leases));
  child.proceed();
  ASSERT_TRUE(child.wait_for_stop());
  EXPECT_TRUE(all_are_free(leases));
  child.proceed();
  EXPECT_EQ(child.wait_for_end(), 0);
}

TEST_F(MemoryMail, WhatComesTooLateIsNotFoundAndHoldsNothing) {
  Peer child([this](const Peer& self) {
    self.stop();
    const bool is_gone =
        fault_of([this] { receive_from(getppid(), *mail_); }) == SharedFault::not_found;
    self.stop();
    return is_gone && shared_mappings() == 0 ? 0 : 1;
  });
  ASSERT_TRUE(child.wait_for_stop());
  const std::vector<Lease> leases = take(1, 1);
  send(leases.front());
  release(leases);
  const std::vector<Lease> others = take(500, 2);
  child.proceed();
  ASSERT_TRUE(child.wait_for_stop());
  release(others);
  EXPECT_TRUE(all_are_free(leases));
  child.proceed();
  child.wait_for_end();
}

TEST_F(MemoryMail, AHandleThatAChildSendsBackIsGood) {
  const std::vector<Lease> leases = take(1, 1);
  Peer child([&, this](const Peer& self) {
    self.stop();
    send(leases.front());
    self.stop();
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  release(leases);
  child.proceed();
  ASSERT_TRUE(child.wait_for_stop());
  const Lease back = receive_from(child.pid(), *mail_);
  EXPECT_EQ(back.data, leases.front().data);
  child.proceed();
  EXPECT_EQ(child.wait_for_end(), 0);
  for (int round = 0; round < 5; ++round) release(take(500, 2));
  EXPECT_TRUE(is_filled(back, 1));
  EXPECT_FALSE(any_is_free(leases));
  memory().release(back);
  EXPECT_TRUE(all_are_free(leases));
}

TEST_F(MemoryMail, ABlockOfAProcessThatDiedStaysWithWhoReceivedIt) {
  Peer child([this](const Peer& self) {
    send(take(1, 4).front());
    self.stop();
    return 0;
  });
  ASSERT_TRUE(child.wait_for_stop());
  const Lease lease = receive_from(child.pid(), *mail_);
  child.kill_now();
  EXPECT_TRUE(is_filled(lease, 4));
  // And it goes on to others.
  Peer second([this](const Peer& self) {
    self.stop();
    const Lease there = receive_from(getppid(), *mail_);
    return is_filled(there, 4) ? 0 : 1;
  });
  ASSERT_TRUE(second.wait_for_stop());
  send(lease);
  second.proceed();
  EXPECT_EQ(second.wait_for_end(), 0);
  memory().release(lease);
}

TEST_F(MemoryMail, AnyNumberOfHandlesMayComeAndGo) {
  Peer child([this](const Peer& self) {
    for (std::uint32_t i = 0; i < 3 * kMaxSlots; ++i) {
      self.stop();
      memory().release(receive_from(getppid(), *mail_));
    }
    self.stop();
    return 0;
  });
  std::vector<Lease> leases;
  for (std::uint32_t i = 0; i < 3 * kMaxSlots; ++i) {
    ASSERT_TRUE(child.wait_for_stop());
    leases.push_back(take(1, 1).front());
    send(leases.back());
    child.proceed();
  }
  ASSERT_TRUE(child.wait_for_stop());
  release(leases);
  EXPECT_TRUE(all_are_free(leases));
}

}  // namespace
}  // namespace nativeconc::shared
