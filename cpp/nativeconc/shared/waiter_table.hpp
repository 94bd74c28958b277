// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Who waits for a notify, first come first served: a table in shared memory in which each waiter
// has one word. There is no lock around it, and every step is one store or one compare-and-swap, so
// a process that dies between two of them leaves nothing half done.
//
// Any thread of any process; all zero bytes are an empty table. A thread may have several entries.
//
// How to wait: enter(), wait() until it says `acquired` or one gives up, leave(). A notify that
// finds the waiter anywhere between enter() and leave() counts, and leave() says whether there was
// one.
//
// An entry:
//   bit  63      asleep    it may sleep, so whoever notifies it must wake it
//   bits 32..62  ticket    the order of enter(); it wraps around
//   bits 30..31  state     0: waiting, 1: notified
//   bits  0..29  thread    its number (thread_directory.hpp); 0, as all the rest then: free
//
// The waiter sleeps on the low half. Invariants:
//   I.   free -> waiting: by the thread that enters. waiting -> notified, once: by one that
//        notifies. waiting or notified -> free: by the waiter itself, or, when its thread is dead,
//        by anybody. `asleep` is set by the waiter alone, before it first sleeps.
//   II.  so a notify is delivered once, or not at all: to a waiter that has left, or that was seen
//        to be dead, it is not, and another one gets it. One that dies later takes it along.
//   III. entries at span_ and above have never been used.
//
// A wake-up that dies with the thread that owes it costs the waiter a slice (slice.hpp). One that
// comes late may wake the next user of the entry, who looks again.
//
// The algorithm is a template over its atomics and its sleep, so that tests/model runs this very
// code through all schedules.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "nativeconc/base/deadline.hpp"
#include "nativeconc/base/wait_result.hpp"
#include "nativeconc/os/deferred_wakes.hpp"
#include "nativeconc/os/futex.hpp"
#include "nativeconc/shared/fault_point.hpp"
#include "nativeconc/shared/thread_directory.hpp"

namespace nativeconc::shared {

namespace detail {

// Where the table of a program lives; tests/model has another.
struct WaiterWorld {
  template <class T>
  using Atomic = std::atomic<T>;
  static bool is_dead(ThreadNumber thread) { return is_thread_dead(thread); }
  // Until the low half is not `expected` any more, a slice is over, or the deadline has passed.
  static os::FutexResult sleep(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
                               Deadline deadline);
  static void wake(const std::atomic<std::uint64_t>& word, os::Wake when);
  static bool has_passed(Deadline deadline) { return deadline.has_passed(); }
};

template <class World, std::uint32_t kEntries>
class WaiterTable {
 public:
  // Where a waiter is. A plain value, of the thread that entered.
  struct Place {
    std::uint32_t index = kEntries;
    ThreadNumber thread = kNobody;

    bool is_none() const { return index == kEntries; }
  };

  // `me` is this_thread_number(). None if there is no room. Never blocks.
  Place enter(ThreadNumber me);

  // acquire: pairs with the release of whoever notified
  bool is_notified(const Place& place) const {
    return (entry(place).load(std::memory_order_acquire) & kNotified) != 0;
  }

  // Blocks; call it without the GIL. `acquired`: notified.
  WaitResult wait(const Place& place, Deadline deadline);

  // Ends the wait. Returns whether it was notified.
  bool leave(const Place& place);

  // Notifies the n first waiters that live, or all there are; returns how many. Wakes them now, or
  // later: see os/deferred_wakes.hpp. Never blocks.
  std::uint64_t notify(std::uint64_t n, os::Wake when = os::Wake::now);

  // How many live and have not been notified; a snapshot.
  std::uint32_t waiters() const;

  // Tests: the ticket that the next one gets.
  void set_next_ticket(std::uint32_t ticket) { next_ticket_.store(ticket); }

 private:
  using Entry = typename World::template Atomic<std::uint64_t>;

  static constexpr std::uint64_t kFree = 0;
  static constexpr std::uint64_t kNotified = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kAsleep = std::uint64_t{1} << 63;
  static constexpr std::uint32_t kMaxTicket = ~std::uint32_t{0} >> 1;

  static std::uint32_t ticket_of(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 32) & kMaxTicket;
  }
  static ThreadNumber thread_of(std::uint64_t word) {
    return static_cast<ThreadNumber>(word) & kMaxNumber;
  }
  static bool is_waiting(std::uint64_t word) { return word != kFree && (word & kNotified) == 0; }

  Entry& entry(const Place& place) { return entries_[place.index]; }
  const Entry& entry(const Place& place) const { return entries_[place.index]; }

  enum class Which { free, dead };
  bool claim(Which which, std::uint32_t span, std::uint64_t word, Place* place);
  bool notify_entry(Entry& entry, std::uint32_t ticket, os::Wake when);

  typename World::template Atomic<std::uint32_t> next_ticket_{0};
  typename World::template Atomic<std::uint32_t> span_{0};
  std::array<Entry, kEntries> entries_{};
};

// Puts the word into the first entry that is free, or whose thread is dead.
template <class World, std::uint32_t kEntries>
bool WaiterTable<World, kEntries>::claim(Which which, std::uint32_t span, std::uint64_t word,
                                         Place* place) {
  for (std::uint32_t i = 0; i < span; ++i) {
    std::uint64_t now = entries_[i].load(std::memory_order_relaxed);
    while (which == Which::free ? now == kFree : now == kFree || World::is_dead(thread_of(now))) {
      fault_point();
      // release: whoever notifies it by the ticket finds next_ticket_ beyond that
      if (!entries_[i].compare_exchange_strong(now, word, std::memory_order_release,
                                               std::memory_order_relaxed)) {
        continue;
      }
      fault_point();
      *place = {i, thread_of(word)};
      return true;
    }
  }
  return false;
}

template <class World, std::uint32_t kEntries>
auto WaiterTable<World, kEntries>::enter(ThreadNumber me) -> Place {
  // relaxed: those whose order matters enter one after the other, under the caller's lock
  const std::uint64_t ticket = next_ticket_.fetch_add(1, std::memory_order_relaxed) & kMaxTicket;
  fault_point();
  const std::uint64_t word = ticket << 32 | me;
  Place place;
  for (;;) {
    std::uint32_t span = span_.load(std::memory_order_relaxed);
    // Free ones first, since to ask about a thread costs more.
    if (claim(Which::free, span, word, &place) || claim(Which::dead, span, word, &place)) {
      return place;
    }
    if (span == kEntries) return place;
    // Before the entry is used: invariant III.
    span_.compare_exchange_strong(span, span + 1, std::memory_order_relaxed,
                                  std::memory_order_relaxed);
    fault_point();
  }
}

template <class World, std::uint32_t kEntries>
WaitResult WaiterTable<World, kEntries>::wait(const Place& place, Deadline deadline) {
  Entry& mine = entry(place);
  bool is_over = false;
  for (;;) {
    std::uint64_t now = mine.load(std::memory_order_acquire);
    if ((now & kNotified) != 0) return WaitResult::acquired;
    if (is_over) return WaitResult::timed_out;
    if ((now & kAsleep) == 0 &&
        !mine.compare_exchange_strong(now, now | kAsleep, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
      continue;
    }
    fault_point();
    switch (World::sleep(mine, static_cast<std::uint32_t>(now), deadline)) {
      case os::FutexResult::woken:
        break;
      case os::FutexResult::timed_out:
        is_over = World::has_passed(deadline);
        break;
      case os::FutexResult::interrupted:
        return WaitResult::interrupted;
    }
    fault_point();
  }
}

template <class World, std::uint32_t kEntries>
bool WaiterTable<World, kEntries>::leave(const Place& place) {
  Entry& mine = entry(place);
  std::uint64_t now = mine.load(std::memory_order_acquire);
  while (is_waiting(now)) {
    fault_point();
    // acquire: as in is_notified
    if (mine.compare_exchange_strong(now, kFree, std::memory_order_acquire,
                                     std::memory_order_acquire)) {
      return false;
    }
  }
  fault_point();
  mine.store(kFree, std::memory_order_release);
  fault_point();
  return true;
}

// False if that waiter is gone, or has been notified.
template <class World, std::uint32_t kEntries>
bool WaiterTable<World, kEntries>::notify_entry(Entry& theirs, std::uint32_t ticket,
                                                os::Wake when) {
  std::uint64_t now = theirs.load(std::memory_order_relaxed);
  while (is_waiting(now) && ticket_of(now) == ticket) {
    const bool is_dead = World::is_dead(thread_of(now));
    fault_point();
    // release: pairs with the acquire in is_notified, wait and leave
    if (!theirs.compare_exchange_strong(now, is_dead ? kFree : now | kNotified,
                                        std::memory_order_release, std::memory_order_relaxed)) {
      continue;
    }
    if (is_dead) return false;
    fault_point();
    if ((now & kAsleep) != 0) World::wake(theirs, when);
    return true;
  }
  return false;
}

template <class World, std::uint32_t kEntries>
std::uint64_t WaiterTable<World, kEntries>::notify(std::uint64_t n, os::Wake when) {
  if (n == 0) return 0;
  constexpr int kIndexBits = 16;
  static_assert(kEntries <= 1U << kIndexBits);
  // Of each waiter its ticket and index, then its age in the place of the ticket.
  std::array<std::uint64_t, kEntries> found;
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < span; ++i) {
    // acquire: pairs with the release in claim()
    const std::uint64_t word = entries_[i].load(std::memory_order_acquire);
    if (is_waiting(word)) found[count++] = std::uint64_t{ticket_of(word)} << kIndexBits | i;
  }
  if (count == 0) return 0;
  // After the look at the entries: none of them is younger.
  const std::uint32_t next = next_ticket_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < count; ++i) {
    const auto ticket = static_cast<std::uint32_t>(found[i] >> kIndexBits);
    const std::uint64_t age = (next - ticket) & kMaxTicket;
    found[i] = age << kIndexBits | (found[i] & ((1U << kIndexBits) - 1));
  }
  std::uint64_t notified = 0;
  while (count > 0 && notified < n) {
    // One by one, since mostly only the oldest is wanted; and to wake one takes longer than this.
    std::uint64_t* const oldest = std::max_element(found.data(), found.data() + count);
    const auto ticket = (next - static_cast<std::uint32_t>(*oldest >> kIndexBits)) & kMaxTicket;
    const std::uint64_t index = *oldest & ((1U << kIndexBits) - 1);
    *oldest = found[--count];
    notified += notify_entry(entries_[index], ticket, when) ? 1 : 0;
  }
  return notified;
}

template <class World, std::uint32_t kEntries>
std::uint32_t WaiterTable<World, kEntries>::waiters() const {
  const std::uint32_t span = span_.load(std::memory_order_relaxed);
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < span; ++i) {
    const std::uint64_t word = entries_[i].load(std::memory_order_relaxed);
    count += is_waiting(word) && !World::is_dead(thread_of(word)) ? 1 : 0;
  }
  return count;
}

}  // namespace detail

inline constexpr std::uint32_t kMostWaiters = 512;

extern template class detail::WaiterTable<detail::WaiterWorld, kMostWaiters>;

using WaiterTable = detail::WaiterTable<detail::WaiterWorld, kMostWaiters>;
static_assert(sizeof(WaiterTable) == 8 + 8 * kMostWaiters);
static_assert(std::is_standard_layout_v<WaiterTable>);

}  // namespace nativeconc::shared
