// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// The table of those who wait for a notify, some of whom die.
#include "nativeconc/shared/waiter_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "processes.hpp"

namespace nativeconc::shared {
namespace {

using testing::in_child;
using testing::Shared;
using Place = WaiterTable::Place;

Place enter(WaiterTable& table) { return table.enter(this_thread_number()); }

// A waiter that is dead, and whose entry stays behind.
void leave_dead_waiter(WaiterTable& table) {
  in_child([&] { ASSERT_FALSE(enter(table).is_none()); });
}

TEST(WaiterTable, GivesTheLowestPlaceThatIsFree) {
  Shared<WaiterTable> table;
  const Place first = enter(*table);
  const Place second = enter(*table);
  EXPECT_EQ(first.index, 0U);
  EXPECT_EQ(second.index, 1U);
  EXPECT_FALSE(table->leave(first));
  EXPECT_EQ(enter(*table).index, 0U);
  EXPECT_EQ(enter(*table).index, 2U);
}

TEST(WaiterTable, NotifiesThoseWhoCameFirst) {
  Shared<WaiterTable> table;
  std::vector<Place> places;
  const Place gone = enter(*table);
  for (int i = 0; i < 4; ++i) places.push_back(enter(*table));
  EXPECT_FALSE(table->leave(gone));
  places.push_back(enter(*table));  // the last one, in the first place
  ASSERT_EQ(places.back().index, 0U);
  EXPECT_EQ(table->notify(0), 0U);
  EXPECT_EQ(table->notify(2), 2U);
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(table->is_notified(places[i]), i < 2) << i;
  }
  EXPECT_EQ(table->notify(100), 3U);
  EXPECT_EQ(table->notify(100), 0U);
  for (const Place& place : places) {
    EXPECT_EQ(table->wait(place, Deadline::never()), WaitResult::acquired);
    EXPECT_TRUE(table->leave(place));
  }
  EXPECT_EQ(table->waiters(), 0U);
}

TEST(WaiterTable, KeepsTheOrderWhenTicketsWrapAround) {
  for (const std::uint32_t start : {0x7fff'fffeU, 0xffff'fffeU}) {
    Shared<WaiterTable> table;
    table->set_next_ticket(start);
    std::vector<Place> places;
    for (int i = 0; i < 4; ++i) places.push_back(enter(*table));
    for (std::size_t first = 0; first < places.size(); ++first) {
      EXPECT_EQ(table->notify(1), 1U);
      for (std::size_t i = 0; i < places.size(); ++i) {
        EXPECT_EQ(table->is_notified(places[i]), i <= first);
      }
    }
  }
}

TEST(WaiterTable, ADeadWaiterTakesNoNotify) {
  Shared<WaiterTable> table;
  for (int i = 0; i < 3; ++i) leave_dead_waiter(*table);
  const Place first = enter(*table);
  leave_dead_waiter(*table);
  const Place second = enter(*table);
  EXPECT_EQ(table->waiters(), 2U);
  EXPECT_EQ(table->notify(1), 1U);
  EXPECT_TRUE(table->is_notified(first));
  EXPECT_FALSE(table->is_notified(second));
  EXPECT_EQ(table->notify(5), 1U);
  EXPECT_TRUE(table->is_notified(second));
}

TEST(WaiterTable, PlacesOfTheDeadAreUsedAgain) {
  Shared<WaiterTable> table;
  Shared<std::atomic<std::uint32_t>> index;
  for (int i = 0; i < 20; ++i) {
    in_child([&] {
      *index = enter(*table).index;
      if (i % 2 == 0) {
        EXPECT_EQ(table->notify(1), 1U);  // dead with a notify of its own
      }
    });
    EXPECT_EQ(*index, 0U);
  }
  EXPECT_EQ(enter(*table).index, 0U);
}

TEST(WaiterTable, SaysWhenThereIsNoRoom) {
  Shared<WaiterTable> table;
  std::vector<Place> places;
  for (std::uint32_t i = 0; i < kMostWaiters - 1; ++i) places.push_back(enter(*table));
  leave_dead_waiter(*table);
  places.push_back(enter(*table));
  EXPECT_FALSE(places.back().is_none());
  EXPECT_TRUE(enter(*table).is_none());
  EXPECT_EQ(table->waiters(), kMostWaiters);
  EXPECT_EQ(table->notify(~std::uint64_t{0}), kMostWaiters);
  EXPECT_TRUE(enter(*table).is_none()) << "they have not left yet";
  for (const Place& place : places) EXPECT_TRUE(table->leave(place));
  EXPECT_EQ(enter(*table).index, 0U);
}

TEST(WaiterTable, ANotifyThatComesAfterTheDeadlineStillCounts) {
  Shared<WaiterTable> table;
  const Place place = enter(*table);
  EXPECT_EQ(table->wait(place, Deadline::after(30'000'000)), WaitResult::timed_out);
  EXPECT_EQ(table->notify(1), 1U);
  EXPECT_TRUE(table->leave(place));
}

}  // namespace
}  // namespace nativeconc::shared
