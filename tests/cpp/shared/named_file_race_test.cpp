// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Several processes publish, open, leave and remove one name, and some of them are killed.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "named_file_support.hpp"
#include "support.hpp"

namespace nativeconc::shared {
namespace {

using testing::exists;
using testing::make_file;
using testing::Name;
using testing::Peer;

// What the processes tell the test, in memory that all of them share.
struct Tally {
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> lost_names{0};  // a holder found its name gone, or another's
  std::atomic<std::uint64_t> other_errors{0};
};

Tally* make_tally() {
  void* at =
      mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (at) Tally;
}

void pause_for(std::uint64_t us) { usleep(static_cast<useconds_t>(us)); }

// Whoever holds a segment finds its own file under the name, so two of one name cannot live.
void look_at(const FileDescriptor& held, const std::string& path, Tally* tally) {
  struct stat mine{};
  struct stat named{};
  const bool is_there = fstat(held.get(), &mine) == 0 && lstat(path.c_str(), &named) == 0 &&
                        mine.st_ino == named.st_ino;
  if (!is_there) ++tally->lost_names;
}

void play(std::string_view name, int rounds, unsigned seed, Tally* tally) {
  std::mt19937 random(seed);
  const std::string path = path_of(name);
  for (int round = 0; round < rounds; ++round) {
    try {
      FileDescriptor held;
      if (random() % 3 == 0) {
        held = make_file();
        publish(held, name);
        ++tally->published;
      } else {
        held = open_held(name, random() % 2 == 0 ? Access::read_only : Access::read_write).file;
        ++tally->opened;
      }
      look_at(held, path, tally);
      if (random() % 4 == 0) pause_for(random() % 200);
      look_at(held, path, tally);
      if (random() % 2 == 0) leave(held, name);
    } catch (const SharedError& error) {
      const bool is_expected =
          error.fault() == SharedFault::exists || error.fault() == SharedFault::not_found;
      if (!is_expected) ++tally->other_errors;
    }
    remove_if_unheld(name);
  }
}

TEST(NamedFileRace, AHolderNeverLosesItsNameWhoeverElseIsKilled) {
  constexpr int kProcesses = 5;
  constexpr int kRounds = 1500 * nativeconc::testing::kScale;
  const Name name;
  Tally* const tally = make_tally();
  std::mt19937 random(4);
  {
    std::vector<std::unique_ptr<Peer>> steady;
    for (unsigned i = 0; i < kProcesses; ++i) {
      steady.push_back(std::make_unique<Peer>([&, i](const Peer&) {
        play(name, kRounds, i, tally);
        return 0;
      }));
    }
    for (unsigned i = 0; i < 40; ++i) {
      Peer victim([&, i](const Peer&) {
        play(name, 1 << 30, 100 + i, tally);
        return 0;
      });
      pause_for(random() % 5000);
      victim.kill_now();
    }
    for (const auto& peer : steady) EXPECT_EQ(peer->wait_for_end(), 0);
  }
  remove_if_unheld(name);
  EXPECT_FALSE(exists(name)) << "nothing is left of those that were killed";
  EXPECT_EQ(tally->lost_names, 0u);
  EXPECT_EQ(tally->other_errors, 0u);
  EXPECT_GT(tally->published, 0u);
  EXPECT_GT(tally->opened, 0u);
  munmap(tally, sizeof *tally);
}

}  // namespace
}  // namespace nativeconc::shared
