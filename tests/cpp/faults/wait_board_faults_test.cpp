// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Threads that die while they write on the board of waits: nobody takes what they left for a wait,
// and the next one that has their slot is read again.
#include <atomic>
#include <thread>

#include "every_fault.hpp"
#include "nativeconc/shared/thread_directory_layout.hpp"
#include "nativeconc/shared/wait_board.hpp"

namespace nativeconc::shared {
namespace {

using testing::die_at_every_fault_point;
using testing::Fate;

struct Waits {
  std::atomic<ThreadNumber> number{kNobody};
  std::atomic<std::uint64_t> uid{0};

  // Apart from those of other programs that use the same directory.
  std::uint64_t new_uid() { return uid = 1ULL << 62 | next_wait(); }

  void wait() {
    WaitNotice notice;
    notice.wait = next_wait();
    notice.uid = uid;
    notice.takes_part = true;
    number = this_thread_number();
    ASSERT_TRUE(put_up(notice));
    fault_point();
    const std::uint64_t looked = begin_look();
    fault_point();
    end_look(looked, Blockers{});
    fault_point();
    take_down();
  }
};

// Runs it in a thread that has the slot.
template <class Function>
void in_slot_of(ThreadNumber number, Function function) {
  bool is_done = false;
  while (!is_done) {
    std::thread([&] {
      if (this_thread_number() % kThreadSlots != number % kThreadSlots) return;
      function();
      is_done = true;
    }).join();
  }
}

TEST(WaitBoardFaults, ADeadNoteIsNoneAndItsSlotIsUsedAgain) {
  this_thread_number();  // so that there is a board
  const int points = die_at_every_fault_point<Waits>(
      [](Waits& waits) { waits.new_uid(); }, [](Waits& waits) { waits.wait(); },
      [](Waits& waits, Fate) {
        EXPECT_EQ(count_waiters(waits.uid), 0U);
        WaitSnapshot note;
        EXPECT_FALSE(read_note(waits.number, &note));
        in_slot_of(waits.number, [&] {
          WaitNotice notice;
          notice.wait = next_wait();
          notice.uid = waits.new_uid();
          ASSERT_TRUE(put_up(notice));
          EXPECT_EQ(count_waiters(notice.uid), 1U);
          EXPECT_TRUE(read_note(this_thread_number(), &note));
          EXPECT_EQ(note.wait, notice.wait);
          take_down();
          EXPECT_EQ(count_waiters(notice.uid), 0U);
        });
      });
  EXPECT_EQ(points, 9);
}

}  // namespace
}  // namespace nativeconc::shared
