// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/wait_graph.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "actor.hpp"
#include "support.hpp"

namespace nativeconc::deadlock {
namespace {

using testing::Actor;

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

// `number` is that of the reader-writer lock.
Want to_write(std::uint64_t number) {
  Want want;
  want.mode = Mode::write;
  want.readers_of = number;
  return want;
}

void begin_read(std::uint64_t number) {
  ReadHolds::Hold* place = this_record().reads.free_place();
  ASSERT_NE(place, nullptr);
  place->lock = number;
}

void end_read(std::uint64_t number) {
  ReadHolds::Hold* hold = this_record().reads.find(number);
  ASSERT_NE(hold, nullptr);
  hold->lock = 0;
}

Glance announce(const Want& want) { return begin_wait(want, next_call()); }

Deadlock look() {
  return examine([](const Party&) {});
}

std::vector<Deadlock> look_for_all() {
  return examine_all([](const Party&) {});
}

// Thread i owns thing i and waits for thing i + 1; the last one waits for the first thing.
class Ring {
 public:
  explicit Ring(std::size_t n, std::size_t uncertain = ~std::size_t{0})
      : things_(n), uncertain_(uncertain) {
    for (std::size_t i = 0; i < n; ++i) {
      actors_.push_back(std::make_unique<Actor>());
      run(i, [&] { things_[i].take(); });
    }
  }

  std::size_t size() const { return things_.size(); }
  Thing& thing(std::size_t i) { return things_[i % size()]; }
  void run(std::size_t i, std::function<void()> what) { actors_[i]->run(std::move(what)); }

  Glance wait(std::size_t i) {
    Glance seen;
    run(i, [&] { seen = announce(to_take(thing(i + 1), i != uncertain_)); });
    return seen;
  }
  Deadlock found_by(std::size_t i) {
    Deadlock found;
    run(i, [&] { found = look(); });
    return found;
  }
  void end() {
    for (std::size_t i = 0; i < size(); ++i) {
      run(i, [&] {
        end_wait();
        things_[i].release();
      });
    }
  }

 private:
  std::vector<Thing> things_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::size_t uncertain_;
};

class WaitGraphRing : public ::testing::TestWithParam<std::size_t> {};

TEST_P(WaitGraphRing, IsFoundByTheWaitThatClosesItAndFromThenOnByAll) {
  Ring ring(GetParam());
  for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
    ASSERT_EQ(ring.wait(i).finding, Finding::nothing);
  }
  EXPECT_TRUE(look_for_all().empty());
  const Glance last = ring.wait(ring.size() - 1);
  EXPECT_EQ(last.finding, Finding::cycle);
  EXPECT_TRUE(last.certain);
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Deadlock found = ring.found_by(i);
    ASSERT_EQ(found.finding, Finding::cycle);
    EXPECT_EQ(found.signature, last.signature);
    ASSERT_EQ(found.parties.size(), ring.size());
    for (std::size_t k = 0; k < ring.size(); ++k) {
      const Party& party = found.parties[k];
      ASSERT_EQ(party.id, ring.thing(i + k).owner) << "each wants what the next one holds";
      ASSERT_EQ(party.want.lock, &ring.thing(i + k + 1));
      ASSERT_TRUE(party.waits);
      ASSERT_EQ(party.thread.fate, Fate::alive);
    }
  }
  const std::vector<Deadlock> all = look_for_all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].signature, last.signature);
  EXPECT_EQ(all[0].parties.size(), ring.size());
  ring.end();
  EXPECT_TRUE(look_for_all().empty());
}

INSTANTIATE_TEST_SUITE_P(OfSoMany, WaitGraphRing, ::testing::Values(2, 3, 5, 100));

TEST(WaitGraph, AThreadThatBacksOutBreaksTheCircle) {
  Ring ring(3);
  for (std::size_t i = 0; i < 3; ++i) ring.wait(i);
  ring.run(1, [] { end_wait(); });
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(ring.found_by(i).finding, Finding::nothing);
  ring.run(1, [&] { ring.thing(1).release(); });
  EXPECT_EQ(ring.wait(1).finding, Finding::nothing) << "nobody owns what the first one waits for";
  ring.end();
}

TEST(WaitGraph, OneLockThatAnybodyMayReleaseMakesACircleASuspicion) {
  Ring ring(3, 1);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(ring.wait(i).finding, Finding::nothing);
  const Glance seen = ring.wait(2);
  EXPECT_EQ(seen.finding, Finding::cycle);
  EXPECT_FALSE(seen.certain);
  EXPECT_EQ(ring.found_by(0).signature, seen.signature);
  EXPECT_EQ(ring.found_by(0).parties.size(), 3U);
  ring.end();
}

TEST(WaitGraph, TheSameThreadsInAnotherWaitAreAnotherCircle) {
  std::set<std::uint64_t> signatures;
  Ring ring(2);
  for (int i = 0; i < 10; ++i) {
    ring.wait(0);
    signatures.insert(ring.wait(1).signature);
    ring.run(0, [] { end_wait(); });
    ring.run(1, [] { end_wait(); });
  }
  EXPECT_EQ(signatures.size(), 10U);
}

TEST(WaitGraph, OnesOwnLockIsNoCircle) {
  Actor actor;
  Thing thing;
  actor.run([&] {
    thing.take();
    EXPECT_EQ(announce(to_take(thing)).finding, Finding::nothing);
    EXPECT_EQ(look().finding, Finding::nothing);
    EXPECT_TRUE(look().parties.empty());
    end_wait();
  });
}

TEST(WaitGraph, WhoWaitsForACircleIsNotPartOfIt) {
  Ring ring(2);
  ring.wait(0);
  ring.wait(1);
  Actor outsider;
  outsider.run([&] {
    EXPECT_EQ(announce(to_take(ring.thing(0))).finding, Finding::nothing);
    EXPECT_EQ(look().finding, Finding::nothing);
    end_wait();
  });
  ring.end();
}

TEST(WaitGraph, SeveralCirclesAreToldApart) {
  Ring first(2);
  Ring second(3);
  for (std::size_t i = 0; i < 2; ++i) first.wait(i);
  for (std::size_t i = 0; i < 3; ++i) second.wait(i);
  std::multiset<std::size_t> sizes;
  for (const Deadlock& found : look_for_all()) sizes.insert(found.parties.size());
  EXPECT_EQ(sizes, (std::multiset<std::size_t>{2, 3}));
  first.end();
  second.end();
}

TEST(WaitGraph, AWriterWaitsForEveryReader) {
  constexpr std::uint64_t kNumber = 1'000'001;
  Thing thing;
  Actor writer;
  Actor idle;
  Actor reader;
  idle.run([&] { begin_read(kNumber); });
  reader.run([&] { begin_read(kNumber); });
  writer.run([&] {
    thing.take();
    EXPECT_EQ(announce(to_write(kNumber)).finding, Finding::nothing);
  });
  reader.run([&] {
    EXPECT_EQ(announce(to_take(thing)).finding, Finding::cycle);
    const Deadlock found = look();
    ASSERT_EQ(found.parties.size(), 2U);
    EXPECT_EQ(found.parties[0].id, this_thread());
    EXPECT_EQ(found.parties[0].holds_as, Mode::read);
    EXPECT_EQ(found.parties[1].holds_as, Mode::lock);
    EXPECT_EQ(found.parties[1].want.mode, Mode::write);
    end_read(kNumber);
    EXPECT_EQ(look().finding, Finding::nothing);
    end_wait();
  });
  idle.run([&] { end_read(kNumber); });
  writer.run([] { end_wait(); });
}

TEST(WaitGraph, ItsOwnReadDoesNotKeepAWriterWaiting) {
  constexpr std::uint64_t kNumber = 1'000'002;
  Actor actor;
  actor.run([&] {
    begin_read(kNumber);
    EXPECT_EQ(announce(to_write(kNumber)).finding, Finding::nothing);
    end_wait();
    end_read(kNumber);
  });
}

TEST(WaitGraph, KeepSeesEveryPartyOnce) {
  Ring ring(5);
  for (std::size_t i = 0; i < 5; ++i) ring.wait(i);
  std::vector<void*> kept;
  ring.run(2, [&] {
    static_cast<void>(examine([&](const Party& party) { kept.push_back(party.want.lock); }));
  });
  EXPECT_EQ(kept.size(), 5U);
  EXPECT_EQ(std::set<void*>(kept.begin(), kept.end()).size(), 5U);
  kept.clear();
  static_cast<void>(examine_all([&](const Party& party) { kept.push_back(party.want.lock); }));
  EXPECT_EQ(kept.size(), 5U);
  ring.end();
}

TEST(WaitGraph, ACircleIsClaimedOnce) {
  const std::uint64_t signature = next_call() * 0x1234'5678'9abc'def1;
  EXPECT_EQ(claim(signature), Claim::mine);
  EXPECT_EQ(claim(signature), Claim::pending);
  std::atomic<int> claims{0};
  testing::run_threads(4, [&](int) { claims += claim(signature + 1) == Claim::mine ? 1 : 0; });
  EXPECT_EQ(claims, 1);
}

TEST(WaitGraph, AClaimIsGivenBackIfTheCircleHasOpenedMeanwhile) {
  Ring ring(2);
  ring.wait(0);
  const Glance seen = ring.wait(1);
  ASSERT_EQ(seen.finding, Finding::cycle);
  EXPECT_EQ(claim(seen.signature), Claim::mine);
  EXPECT_EQ(claim(seen.signature), Claim::pending);
  Deadlock found;
  const auto examine_in = [&](std::size_t thread) {
    ring.run(thread, [&] { found = examine([](const Party&) {}, seen.signature); });
    return found.finding;
  };
  EXPECT_EQ(examine_in(1), Finding::cycle);
  EXPECT_EQ(claim(seen.signature), Claim::reported);
  ring.run(0, [] { end_wait(); });
  EXPECT_EQ(examine_in(1), Finding::nothing);
  EXPECT_TRUE(found.parties.empty());
  EXPECT_EQ(claim(seen.signature), Claim::mine);
  ring.end();
}

}  // namespace
}  // namespace nativeconc::deadlock
