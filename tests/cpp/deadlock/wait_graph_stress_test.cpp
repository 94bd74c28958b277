// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The wait-for graph in random schedules: one step at a time against a plain search, and all at
// once.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "actor.hpp"
#include "nativeconc/deadlock/wait_graph.hpp"
#include "support.hpp"

namespace nativeconc::deadlock {
namespace {

using testing::Actor;
using testing::kScale;

struct Thing {
  std::atomic<ThreadId> owner{kNobody};
};

Want to_take(Thing& thing, bool certain) {
  Want want;
  want.lock = &thing;
  want.owned = &thing;
  want.owner = [](const void* owned) { return static_cast<const Thing*>(owned)->owner.load(); };
  want.certain = certain;
  return want;
}

// --- one step at a time

constexpr std::size_t kThreads = 6;
constexpr std::size_t kThings = 5;
constexpr std::size_t kReadLocks = 2;
constexpr std::size_t kNone = ~std::size_t{0};

// A few threads and locks, in the real graph and in a model of it that is searched for every
// question. Things with an even number are released by their owners alone.
class World {
 public:
  World() {
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads_[i] = std::make_unique<Actor>();
      in(i, [this, i] { ids_[i] = this_thread(); });
    }
  }
  ~World() {
    for (std::size_t i = 0; i < kThreads; ++i) {
      if (waits_[i]) in(i, [] { end_wait(); });
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void step(std::mt19937& random) {
    const std::size_t thread = random() % kThreads;
    const std::size_t thing = random() % kThings;
    const std::size_t lock = random() % kReadLocks;
    if (waits_[thread]) {
      if (random() % 4 != 0) return;
      waits_[thread] = false;
      in(thread, [] { end_wait(); });
      return;
    }
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        if (owner_[thing] == kNone) {
          own(thing, thread);
        } else if (owner_[thing] == thread || thing % 2 == 1) {
          own(thing, kNone);
        }
        break;
      case 3:
        set_reading(thread, lock, !reads_[thread][lock]);
        break;
      case 4:
        wait(thread, kNone, lock);
        break;
      default:
        wait(thread, thing, kNone);
    }
  }

  void compare() {
    for (std::size_t i = 0; i < kThreads; ++i) {
      Deadlock found;
      in(i, [&] { found = examine([](const Party&) {}); });
      const bool certain = waits_[i] && comes_back_to(i, true);
      const bool any = waits_[i] && comes_back_to(i, false);
      ASSERT_EQ(found.finding, any ? Finding::cycle : Finding::nothing);
      if (!any) continue;
      ASSERT_EQ(found.certain, certain);
      ASSERT_EQ(found.parties[0].id, ids_[i]);
      for (std::size_t k = 0; k < found.parties.size(); ++k) {
        const std::size_t waiter = number_of(found.parties[k].id);
        const std::size_t holder = number_of(found.parties[(k + 1) % found.parties.size()].id);
        ASSERT_TRUE(waits_[waiter]);
        ASSERT_TRUE(blocks(waiter, holder));
        if (certain) {
          ASSERT_TRUE(is_certain(waiter));
        }
      }
      ++cycles_;
    }
  }

  int cycles() const { return cycles_; }

 private:
  void in(std::size_t thread, std::function<void()> what) {
    threads_[thread]->run(std::move(what));
  }

  void own(std::size_t thing, std::size_t thread) {
    owner_[thing] = thread;
    things_[thing].owner = thread == kNone ? kNobody : ids_[thread];
  }

  void set_reading(std::size_t thread, std::size_t lock, bool reads) {
    reads_[thread][lock] = reads;
    in(thread, [&] {
      ReadHolds& holds = this_record().reads;
      ReadHolds::Hold* hold = reads ? holds.free_place() : holds.find(first_read_lock_ + lock);
      ASSERT_NE(hold, nullptr);
      hold->lock = reads ? first_read_lock_ + lock : 0;
    });
  }

  void wait(std::size_t thread, std::size_t thing, std::size_t lock) {
    waits_[thread] = true;
    wanted_thing_[thread] = thing;
    wanted_lock_[thread] = lock;
    Want want;
    if (thing != kNone) {
      want = to_take(things_[thing], thing % 2 == 0);
    } else {
      want.readers_of = first_read_lock_ + lock;
    }
    in(thread, [&] { static_cast<void>(begin_wait(want, next_call())); });
  }

  std::size_t number_of(ThreadId id) const {
    for (std::size_t i = 0; i < kThreads; ++i) {
      if (ids_[i] == id) return i;
    }
    return kNone;
  }

  bool is_certain(std::size_t waiter) const {
    return wanted_thing_[waiter] == kNone || wanted_thing_[waiter] % 2 == 0;
  }

  bool blocks(std::size_t waiter, std::size_t holder) const {
    if (waiter == holder || !waits_[waiter]) return false;
    const std::size_t thing = wanted_thing_[waiter];
    return thing != kNone ? owner_[thing] == holder : reads_[holder][wanted_lock_[waiter]];
  }

  bool comes_back_to(std::size_t start, bool only_certain) const {
    std::array<bool, kThreads> seen{};
    std::vector<std::size_t> todo{start};
    while (!todo.empty()) {
      const std::size_t now = todo.back();
      todo.pop_back();
      if (only_certain && !is_certain(now)) continue;
      for (std::size_t next = 0; next < kThreads; ++next) {
        if (!blocks(now, next)) continue;
        if (next == start) return true;
        if (waits_[next] && !seen[next]) todo.push_back(next);
        seen[next] = true;
      }
    }
    return false;
  }

  std::array<std::unique_ptr<Actor>, kThreads> threads_;
  std::array<ThreadId, kThreads> ids_{};
  std::array<Thing, kThings> things_;
  std::array<std::size_t, kThings> owner_ = {kNone, kNone, kNone, kNone, kNone};
  std::array<std::array<bool, kReadLocks>, kThreads> reads_{};
  std::array<bool, kThreads> waits_{};
  std::array<std::size_t, kThreads> wanted_thing_{};
  std::array<std::size_t, kThreads> wanted_lock_{};
  // Numbers of locks are never used again: threads of an earlier world ended while they read.
  const std::uint64_t first_read_lock_ = 2'000'000 + next_call() * kReadLocks;
  int cycles_ = 0;
};

TEST(WaitGraphStress, AgreesWithAPlainSearchAfterEveryStep) {
  int cycles = 0;
  for (unsigned seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    World world;
    for (int i = 0; i < 100 * kScale; ++i) {
      for (int k = 0; k < 3; ++k) world.step(random);
      world.compare();
      if (::testing::Test::HasFatalFailure()) return;
    }
    cycles += world.cycles();
  }
  EXPECT_GT(cycles, 0);
}

// --- all at once

// Threads that take two things in any order, and back out when they find a circle and are the first
// to claim it. This ends because no circle is missed. Between the claim and the backing out nobody
// in the circle can get anywhere, so it must still be there, unless one of them is just looking
// anew.
TEST(WaitGraphStress, ThreadsThatBackOutOfEveryCircleGetDone) {
  constexpr std::size_t kFew = 4;
  std::array<Thing, kFew> things;
  std::atomic<int> circles{0};
  std::atomic<bool> wrong{false};
  const auto try_take = [&](Thing& thing) {
    ThreadId free = kNobody;
    return thing.owner.compare_exchange_strong(free, this_thread());
  };
  testing::run_threads(5, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int round = 0; round < 400 * kScale || circles < 20; ++round) {
      Thing& first = things[random() % kFew];
      Thing& second = things[random() % kFew];
      if (&first == &second) continue;
      while (!try_take(first)) std::this_thread::yield();
      std::this_thread::yield();
      const std::uint64_t call = next_call();
      bool taken = try_take(second);
      for (bool backs_out = false; !taken && !backs_out;) {
        const Glance seen = begin_wait(to_take(second, true), call);
        if (seen.finding == Finding::cycle && claim(seen.signature) == Claim::mine) {
          backs_out = true;
          ++circles;
          const Deadlock found = examine([](const Party&) {});
          if (found.finding == Finding::cycle && found.signature != seen.signature) wrong = true;
          for (std::size_t i = 0; i < found.parties.size(); ++i) {
            const Party& next = found.parties[(i + 1) % found.parties.size()];
            const auto* wanted = static_cast<const Thing*>(found.parties[i].want.lock);
            if (wanted->owner != next.id || !next.waits) wrong = true;
          }
        } else if (seen.finding != Finding::nothing && seen.finding != Finding::cycle) {
          wrong = true;
        } else {
          std::this_thread::yield();  // its sleep
          taken = try_take(second);
        }
        end_wait();
      }
      if (taken) second.owner = kNobody;
      first.owner = kNobody;
    }
  });
  EXPECT_FALSE(wrong);
  EXPECT_TRUE(examine_all([](const Party&) {}).empty());
}

// Looking from outside while everything moves must find nothing that is not there: here the things
// are always taken in order.
TEST(WaitGraphStress, NoCircleIsFoundWhereNoneCanBe) {
  constexpr std::size_t kFew = 5;
  std::array<Thing, kFew> things;
  std::atomic<int> at_work{4};
  std::atomic<bool> wrong{false};
  const auto take = [&](Thing& thing) {
    const std::uint64_t call = next_call();
    for (;;) {
      ThreadId free = kNobody;
      if (thing.owner.compare_exchange_strong(free, this_thread())) return;
      if (begin_wait(to_take(thing, true), call).finding != Finding::nothing) wrong = true;
      std::this_thread::yield();
      // It may have got the thing before it withdraws.
      free = kNobody;
      const bool taken = thing.owner.compare_exchange_strong(free, this_thread());
      end_wait();
      if (taken) return;
    }
  };
  std::thread onlooker([&] {
    while (at_work > 0) {
      if (!examine_all([](const Party&) {}).empty()) wrong = true;
    }
  });
  testing::run_threads(4, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int round = 0; round < 1000 * kScale; ++round) {
      const std::size_t low = random() % (kFew - 1);
      const std::size_t high = low + 1 + random() % (kFew - 1 - low);
      take(things[low]);
      if (random() % 4 == 0) std::this_thread::yield();
      take(things[high]);
      things[low].owner = kNobody;
      things[high].owner = kNobody;
    }
    --at_work;
  });
  onlooker.join();
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace nativeconc::deadlock
