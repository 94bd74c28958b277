// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/deadlock/wait_graph.hpp"

#include <algorithm>
#include <array>
#include <atomic>

namespace nativeconc::deadlock {
namespace {

// The number of a search marks the records that it has seen.
std::uint64_t searches = 0;  // guarded by the registry mutex

// The deadlocks that threads have claimed. Guarded by the registry mutex.
struct Claimed {
  std::uint64_t signature = 0;
  bool is_reported = false;
};
struct {
  std::array<Claimed, 256> entries{};
  std::size_t next = 0;
} claims;

Claimed* find_claim(std::uint64_t signature) {
  auto* const found =
      std::find_if(claims.entries.begin(), claims.entries.end(),
                   [=](const Claimed& claimed) { return claimed.signature == signature; });
  return found == claims.entries.end() ? nullptr : found;
}

// Calls f(blocker's record or null, its id, how it holds) for everyone who stands in the way of
// `waiter`.
template <class Function>
void for_each_blocker(ThreadRegistry& registry, const ThreadRecord& waiter, Function f) {
  const Want& want = waiter.want;
  const bool is_through =
      want.is_through != nullptr &&
      want.is_through(want.owned, waiter.reads.progress.load(std::memory_order_acquire));
  if (is_through) return;
  const ThreadId owner = want.owner == nullptr ? kNobody : want.owner(want.owned);
  ThreadRecord* record = registry.find(owner);
  const bool is_inside = want.is_inside == nullptr || want.is_inside(want.owned);
  // Its own: a plain lock that serves as a signal, or what it wanted has just become its own.
  if (is_inside && owner != kNobody && owner != waiter.id) f(record, owner, want.owned_as);
  if (want.readers_of == 0 || (is_inside && owner != kNobody)) return;
  // A signal handler of this wait reads already, and keeps it: so it will be let in at once.
  if (want.mode == Mode::read && waiter.reads.holds(want.readers_of)) return;
  const bool next_waits = record != nullptr && record->waits;
  // Whoever is next waits in a signal handler for something else: until it gets that it neither
  // goes in nor gives up, and nobody goes before it.
  const bool next_is_away = next_waits && record->want.owned != want.owned;
  if (next_is_away) f(record, owner, want.owned_as);
  if (want.mode == Mode::read && (!next_waits || next_is_away)) return;
  registry.for_each([&](ThreadRecord& reader) {
    if (&reader != &waiter && reader.reads.holds(want.readers_of)) {
      f(&reader, reader.id, Mode::read);
    }
  });
}

// Breadth first from `start` along the announced waits, back to `start`. On success came_from leads
// backwards from the returned thread, which waits for `start`, to `start` itself.
ThreadRecord* find_cycle(ThreadRegistry& registry, ThreadRecord& start, bool only_certain) {
  const std::uint64_t search = ++searches;
  ThreadRecord* closes = nullptr;
  ThreadRecord* last = &start;
  start.seen = search;
  start.came_from = nullptr;
  start.next_to_visit = nullptr;
  for (ThreadRecord* now = &start; now != nullptr && closes == nullptr; now = now->next_to_visit) {
    if (only_certain && !now->want.certain) continue;
    for_each_blocker(registry, *now, [&](ThreadRecord* blocker, ThreadId, Mode) {
      if (blocker == &start) closes = now;
      if (blocker == nullptr || !blocker->waits || blocker->seen == search) return;
      blocker->seen = search;
      blocker->came_from = now;
      blocker->next_to_visit = nullptr;
      last->next_to_visit = blocker;
      last = blocker;
    });
  }
  return closes;
}

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

// Does not depend on where the cycle is entered.
std::uint64_t signature_of(const ThreadRecord* closes) {
  std::uint64_t sum = 0;
  for (const ThreadRecord* t = closes; t != nullptr; t = t->came_from) sum += mix(t->call);
  return sum;
}

struct Found {
  Glance glance;
  ThreadRecord* closes = nullptr;  // of a cycle
  ThreadId gone = kNobody;         // the owner that has ended
  Mode gone_holds_as = Mode::lock;
};

Found look_from(ThreadRegistry& registry, ThreadRecord& me) {
  Found found;
  if (!me.waits) return found;
  for (const bool certain : {true, false}) {
    found.closes = find_cycle(registry, me, certain);
    if (found.closes != nullptr) {
      found.glance = {Finding::cycle, certain, signature_of(found.closes)};
      return found;
    }
  }
  for_each_blocker(registry, me, [&](const ThreadRecord* blocker, ThreadId id, Mode as) {
    const Fate fate = blocker == nullptr ? Fate::exited : blocker->fate;
    const bool hopeless = fate == Fate::lost || (fate == Fate::exited && me.want.certain);
    if (!hopeless || found.gone != kNobody) return;
    found.gone = id;
    found.gone_holds_as = as;
    found.glance = {fate == Fate::lost ? Finding::lost : Finding::exited, true, mix(me.call)};
  });
  return found;
}

Party party_of(const ThreadRecord& record) {
  Party party;
  party.id = record.id;
  party.thread = {record.ident, record.fate, record.name};
  party.waits = record.waits;
  party.want = record.want;
  return party;
}

// How `holder` stands in the way of `waiter`.
Mode holds_as(ThreadRegistry& registry, const ThreadRecord& waiter, const ThreadRecord& holder) {
  Mode mode = Mode::lock;
  for_each_blocker(registry, waiter, [&](const ThreadRecord* blocker, ThreadId, Mode as) {
    if (blocker == &holder) mode = as;
  });
  return mode;
}

Deadlock describe(ThreadRegistry& registry, ThreadRecord& me, const Found& found,
                  const Keep& keep) {
  Deadlock deadlock{found.glance.finding, found.glance.certain, found.glance.signature, {}};
  if (found.glance.finding == Finding::cycle) {
    const ThreadRecord* waiter_before = found.closes;
    std::vector<Party> backwards;
    for (const ThreadRecord* t = found.closes; t != nullptr; t = t->came_from) {
      backwards.push_back(party_of(*t));
      const ThreadRecord* before = t->came_from != nullptr ? t->came_from : waiter_before;
      backwards.back().holds_as = holds_as(registry, *before, *t);
    }
    deadlock.parties.assign(backwards.rbegin(), backwards.rend());
  } else if (found.glance.finding != Finding::nothing) {
    deadlock.parties.push_back(party_of(me));
    Party gone;
    gone.id = found.gone;
    gone.holds_as = found.gone_holds_as;
    if (const ThreadRecord* record = registry.find(found.gone)) gone = party_of(*record);
    gone.holds_as = found.gone_holds_as;
    deadlock.parties.push_back(gone);
  }
  for (const Party& party : deadlock.parties) keep(party);
  return deadlock;
}

std::atomic<std::uint64_t> calls{0};

}  // namespace

std::uint64_t next_call() { return calls.fetch_add(1, std::memory_order_relaxed) + 1; }

Glance begin_wait(const Want& want, std::uint64_t call) {
  ThreadRecord& me = this_record();
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex());
  me.want = want;
  me.call = call;
  me.reads.progress.store(ReadHolds::kNotBegun, std::memory_order_relaxed);
  me.waits = true;
  return look_from(registry, me).glance;
}

void end_wait() {
  ThreadRecord& me = this_record();
  const os::ShortLock guard(ThreadRegistry::instance().mutex());
  me.waits = false;
}

void tell_blockers(const TellBlocker& tell) {
  const ThreadRecord& me = this_record();
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex());
  if (!me.waits) return;
  for_each_blocker(registry, me, [&](const ThreadRecord* blocker, ThreadId, Mode as) {
    // relaxed: one that is not seen yet is seen at the next look
    if (blocker != nullptr) tell(blocker->shared_number.load(std::memory_order_relaxed), as);
  });
}

Deadlock examine(const Keep& keep, std::optional<std::uint64_t> claimed) {
  ThreadRecord& me = this_record();
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex());
  const Found found = look_from(registry, me);
  if (claimed) {
    const bool is_there = found.glance.signature == *claimed;
    if (Claimed* claim = find_claim(*claimed)) *claim = {is_there ? *claimed : 0, is_there};
    if (!is_there) return {};
  }
  return describe(registry, me, found, keep);
}

std::vector<Deadlock> examine_all(const Keep& keep) {
  ThreadRegistry& registry = ThreadRegistry::instance();
  const os::ShortLock guard(registry.mutex());
  std::vector<Deadlock> all;
  registry.for_each([&](ThreadRecord& record) {
    const Found found = look_from(registry, record);
    if (found.glance.finding == Finding::nothing) return;
    const auto same = [&](const Deadlock& known) {
      return known.signature == found.glance.signature;
    };
    if (std::none_of(all.begin(), all.end(), same)) {
      all.push_back(describe(registry, record, found, keep));
    }
  });
  return all;
}

Claim claim(std::uint64_t signature) {
  const os::ShortLock guard(ThreadRegistry::instance().mutex());
  if (const Claimed* claimed = find_claim(signature)) {
    return claimed->is_reported ? Claim::reported : Claim::pending;
  }
  claims.entries[claims.next++ % claims.entries.size()] = {signature, false};
  return Claim::mine;
}

}  // namespace nativeconc::deadlock
