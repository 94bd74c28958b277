// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The wait-for graph and owners that are gone: they have ended, or were lost in a fork.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "actor.hpp"
#include "nativeconc/deadlock/wait_graph.hpp"
#include "signals.hpp"
#include "support.hpp"

namespace nativeconc::deadlock {
namespace {

using testing::Actor;
using testing::run_in_child;

struct Thing {
  std::atomic<ThreadId> owner{kNobody};

  void take() { owner = this_thread(); }
  void release() { owner = kNobody; }
};

Want to_take(Thing& thing, bool certain = true) {
  Want want;
  want.lock = &thing;
  want.owned = &thing;
  want.owner = [](const void* owned) { return static_cast<const Thing*>(owned)->owner.load(); };
  want.certain = certain;
  return want;
}

Glance announce(const Want& want) { return begin_wait(want, next_call()); }

Deadlock look() {
  return examine([](const Party&) {});
}

std::vector<Deadlock> look_for_all() {
  return examine_all([](const Party&) {});
}

TEST(LostOwners, AnOwnerThatHasEndedIsFoundAndNamed) {
  Thing thing;
  std::uint64_t ident = 0;
  std::thread([&] {
    thing.take();
    name_this_thread("the one that left");
    ident = this_record().ident;
  }).join();
  Actor actor;
  actor.run([&] {
    const Glance seen = announce(to_take(thing));
    EXPECT_EQ(seen.finding, Finding::exited);
    EXPECT_TRUE(seen.certain);
    const Deadlock found = look();
    EXPECT_EQ(found.signature, seen.signature);
    ASSERT_EQ(found.parties.size(), 2U);
    EXPECT_EQ(found.parties[0].id, this_thread());
    EXPECT_EQ(found.parties[1].id, thing.owner);
    EXPECT_FALSE(found.parties[1].waits);
    EXPECT_EQ(found.parties[1].thread.fate, Fate::exited);
    EXPECT_EQ(found.parties[1].thread.ident, ident);
    EXPECT_STREQ(found.parties[1].thread.name.data(), "the one that left");
    end_wait();
    EXPECT_EQ(announce(to_take(thing, false)).finding, Finding::nothing)
        << "anybody may release this one";
    end_wait();
  });
}

TEST(LostOwners, AnOwnerThatEndedLongAgoIsStillKnownToHaveEnded) {
  Thing thing;
  std::thread([&] { thing.take(); }).join();
  for (int i = 0; i < 1100; ++i) {
    std::thread([] { static_cast<void>(this_thread()); }).join();
  }
  EXPECT_EQ(thread_info(thing.owner).ident, 0U) << "its record has been dropped";
  Actor actor;
  actor.run([&] {
    EXPECT_EQ(announce(to_take(thing)).finding, Finding::exited);
    const Deadlock found = look();
    ASSERT_EQ(found.parties.size(), 2U);
    EXPECT_EQ(found.parties[1].id, thing.owner);
    EXPECT_EQ(found.parties[1].thread.fate, Fate::exited);
    end_wait();
  });
}

TEST(LostOwners, AWaiterIsRousedWhenTheOwnerEnds) {
  Thing thing;
  std::atomic<bool> roused{false};
  std::atomic<int> calls{0};
  std::atomic<bool> may_end{false};
  std::thread owner([&] {
    thing.take();
    testing::wait_until([&] { return may_end.load(); });
  });
  testing::wait_until([&] { return thing.owner != kNobody; });
  Actor waiter;
  Actor another;
  Thing unrelated;
  std::atomic<bool> wrongly_roused{false};
  another.run([&] {
    Want want = to_take(unrelated);
    want.roused = &wrongly_roused;
    want.rouses = &calls;
    want.rouse = [](void*) { ADD_FAILURE() << "its owner has not ended"; };
    unrelated.owner = this_thread() + 1'000'000;
    static_cast<void>(announce(want));
  });
  waiter.run([&] {
    Want want = to_take(thing);
    want.roused = &roused;
    want.rouses = &calls;
    want.rouse = [](void* rouses) { ++*static_cast<std::atomic<int>*>(rouses); };
    EXPECT_EQ(announce(want).finding, Finding::nothing);
  });
  may_end = true;
  owner.join();
  EXPECT_TRUE(roused);
  EXPECT_FALSE(wrongly_roused);
  EXPECT_EQ(calls, 1);
  waiter.run([] {
    EXPECT_EQ(look().finding, Finding::exited);
    end_wait();
  });
  another.run([] { end_wait(); });
}

TEST(LostOwners, AForkedChildFindsTheOwnersThatWereLostAndNoWaits) {
  Thing thing;
  Thing in_circle[2];
  Actor circle[2];
  for (int i = 0; i < 2; ++i) circle[i].run([&] { in_circle[i].take(); });
  for (int i = 0; i < 2; ++i) {
    circle[i].run([&] { static_cast<void>(announce(to_take(in_circle[1 - i]))); });
  }
  Actor owner;
  owner.run([&] {
    thing.take();
    name_this_thread("lost");
  });
  static_cast<void>(this_thread());
  EXPECT_EQ(run_in_child([&] {
              if (!look_for_all().empty()) return 1;
              for (const bool certain : {true, false}) {
                const Glance seen = announce(to_take(thing, certain));
                if (seen.finding != Finding::lost || !seen.certain) return 2;
                const Deadlock found = look();
                if (found.parties.size() != 2 || found.parties[1].id != thing.owner) return 3;
                if (found.parties[1].thread.fate != Fate::lost) return 4;
                if (std::string("lost") != found.parties[1].thread.name.data()) return 5;
                end_wait();
              }
              thing.take();  // the forking thread itself is alive
              return thread_info(this_thread()).fate == Fate::alive ? 7 : 6;
            }),
            7);
  EXPECT_EQ(look_for_all().size(), 1U);
  for (Actor& actor : circle) actor.run([] { end_wait(); });
}

}  // namespace
}  // namespace nativeconc::deadlock
