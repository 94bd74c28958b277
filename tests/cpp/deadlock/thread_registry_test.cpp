// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/thread_registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::deadlock {
namespace {

using testing::run_in_child;
using testing::run_threads;

std::string name_of(ThreadId id) { return thread_info(id).name.data(); }

TEST(ThreadRegistry, NumbersAreNeverGivenOutTwice) {
  std::mutex mutex;
  std::set<ThreadId> numbers;
  for (int i = 0; i < 20; ++i) {
    run_threads(4, [&](int) {
      const ThreadId mine = this_thread();
      EXPECT_EQ(mine, this_thread());
      EXPECT_EQ(mine, this_record().id);
      const std::lock_guard lock(mutex);
      numbers.insert(mine);
    });
  }
  EXPECT_EQ(numbers.size(), 80U);
  EXPECT_FALSE(numbers.contains(kNobody));
}

TEST(ThreadRegistry, KnowsWhoIsAliveAndWhoHasEnded) {
  std::atomic<ThreadId> id{kNobody};
  std::atomic<bool> may_end{false};
  std::uint64_t ident = 0;
  std::thread thread([&] {
    ident = static_cast<std::uint64_t>(pthread_self());
    id = this_thread();
    testing::wait_until([&] { return may_end.load(); });
  });
  testing::wait_until([&] { return id != kNobody; });
  EXPECT_EQ(thread_info(id).fate, Fate::alive);
  EXPECT_EQ(thread_info(id).ident, ident);
  may_end = true;
  thread.join();
  EXPECT_EQ(thread_info(id).fate, Fate::exited);
  EXPECT_EQ(thread_info(id).ident, ident);
  EXPECT_EQ(thread_info(kNobody).ident, 0U);
}

TEST(ThreadRegistry, KeepsAsMuchOfANameAsFits) {
  run_threads(1, [](int) {
    EXPECT_FALSE(this_thread_is_named());
    name_this_thread("short");
    EXPECT_TRUE(this_thread_is_named());
    EXPECT_EQ(name_of(this_thread()), "short");
    const std::string longest(63, 'x');
    name_this_thread(longest + "more");
    EXPECT_EQ(name_of(this_thread()), longest);
    name_this_thread("x");
    EXPECT_EQ(name_of(this_thread()), "x");
  });
}

TEST(ThreadRegistry, ANameThatIsTooLongIsCutBetweenCharacters) {
  run_threads(1, [](int) {
    const std::string two = "\xc3\xa9";
    const std::string three = "\xe2\x82\xac";
    const std::string four = "\xf0\x9f\x94\x92";
    for (const std::string& character : {two, three, four}) {
      for (std::size_t room = 0; room <= character.size(); ++room) {
        const std::string before(63 - room, 'x');
        name_this_thread(before + character + "more");
        std::string expected = before;
        if (room == character.size()) expected += character;
        EXPECT_EQ(name_of(this_thread()), expected);
      }
      const std::string exactly = std::string(63 - character.size(), 'x') + character;
      name_this_thread(exactly);
      EXPECT_EQ(name_of(this_thread()), exactly);
    }
  });
}

// A destructor that runs after the record has been retired.
struct LateUser {
  std::atomic<ThreadId>* id = nullptr;
  ~LateUser() {
    if (id != nullptr) *id = this_thread();
  }
};
thread_local LateUser late_user;

TEST(ThreadRegistry, ALockUsedInALateDestructorGetsItsThreadANewNumber) {
  std::atomic<ThreadId> late{kNobody};
  ThreadId early = kNobody;
  std::thread([&] {
    late_user.id = &late;  // made first, so destroyed last
    early = this_thread();
  }).join();
  EXPECT_NE(late, kNobody);
  EXPECT_NE(late, early);
  EXPECT_EQ(thread_info(early).fate, Fate::exited);
}

TEST(ThreadRegistry, ManyThreadsThatComeAndGoLeaveFewRecords) {
  for (int i = 0; i < 300; ++i) {
    run_threads(4, [](int) { name_this_thread("brief"); });
  }
  std::size_t records = 0;
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex());
  registry.for_each([&](const ThreadRecord&) { ++records; });
  EXPECT_LE(records, 1024U + 16);
}

TEST(ThreadRegistry, AForkedChildKeepsTheForkingThreadAlone) {
  std::atomic<ThreadId> other{kNobody};
  std::atomic<bool> may_end{false};
  std::thread thread([&] {
    other = this_thread();
    testing::wait_until([&] { return may_end.load(); });
  });
  testing::wait_until([&] { return other != kNobody; });
  const ThreadId mine = this_thread();
  EXPECT_EQ(run_in_child([&] {
              if (this_thread() != mine || thread_info(mine).fate != Fate::alive) return 1;
              if (thread_info(other).fate != Fate::lost) return 2;
              return run_in_child([&] {
                       return thread_info(other).fate == Fate::lost && this_thread() == mine ? 7
                                                                                             : 3;
                     }) == 7
                         ? 7
                         : 4;
            }),
            7);
  may_end = true;
  thread.join();
}

TEST(ThreadRegistry, AForkWhileThreadsComeAndGoLeavesTheChildWholeRecords) {
  std::atomic<bool> stop{false};
  std::thread busy[2];
  for (std::thread& thread : busy) {
    thread = std::thread([&] {
      while (!stop) std::thread([] { name_this_thread("brief"); }).join();
    });
  }
  const ThreadId mine = this_thread();
  for (int i = 0; i < 20 * testing::kScale; ++i) {
    ASSERT_EQ(run_in_child([&] {
                bool whole = true;
                ThreadRegistry& registry = ThreadRegistry::instance();
                const os::ShortLock guard(registry.mutex());
                registry.for_each([&](const ThreadRecord& record) {
                  if (record.id != mine && record.fate == Fate::alive) whole = false;
                });
                return guard.whole() && whole && registry.find(mine) != nullptr ? 7 : 1;
              }),
              7);
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

}  // namespace
}  // namespace nativeconc::deadlock
