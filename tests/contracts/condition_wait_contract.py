# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""How threads wait for a condition, whoever implements it, and how they are notified."""

from __future__ import annotations

import concurrent.futures
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from contracts.blocking import blocked_in, run_in_thread, wait_until
from contracts.condition_waiters import Waiters, any_lock, any_rlock, is_held


class ConditionWaitContract:
    @staticmethod
    def make(lock: Any = None) -> Any:
        raise NotImplementedError

    # --- waiting --------------------------------------------------------------------------------

    @any_lock
    def test_wait_gives_the_lock_up_and_takes_it_again(self, make_lock: Callable[[], Any]) -> None:
        condition, seen = self.make(make_lock()), []

        def notify() -> None:
            with condition:  # it could not enter otherwise
                seen.append("notified")
                condition.notify()

        with condition:
            notifier = threading.Thread(target=notify)
            notifier.start()
            assert not seen
            assert condition.wait() is True
            assert seen == ["notified"]
            assert is_held(condition)
        notifier.join()
        assert not is_held(condition)

    @any_rlock
    def test_wait_gives_up_all_levels_and_takes_as_many(self, make_lock: Callable[[], Any]) -> None:
        condition = self.make(make_lock())

        def notify() -> None:
            with condition:
                condition.notify_all()

        with condition, condition, condition:
            notifier = threading.Thread(target=notify)
            notifier.start()
            assert condition.wait(100) is True
            for _ in range(2):
                condition.release()
                assert is_held(condition)
            condition.acquire()
            condition.acquire()
        notifier.join()
        assert not is_held(condition)

    @any_lock
    @pytest.mark.parametrize("timeout", [0.02, 1e-9, 0, -1, -0.5])
    def test_wait_returns_false_when_the_time_is_up_and_not_early(
        self, make_lock: Callable[[], Any], timeout: float
    ) -> None:
        condition = self.make(make_lock())
        with condition:
            start = time.monotonic()
            assert condition.wait(timeout) is False
            assert time.monotonic() - start >= timeout
            assert condition.wait(timeout=timeout) is False
            assert is_held(condition)
        assert not is_held(condition)

    def test_wait_of_none_waits_for_ever(self) -> None:
        condition = self.make()
        waiters = Waiters(condition)
        waiters.add(None)
        assert waiters.settled(0) == []
        with condition:
            condition.notify()
        waiters.join()

    @any_lock
    def test_wait_and_notify_without_the_lock_are_errors(
        self, make_lock: Callable[[], Any]
    ) -> None:
        condition = self.make(make_lock())
        for call in (condition.wait, lambda: condition.wait(0), lambda: condition.wait(timeout=1)):
            with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
                call()
        for call in (condition.notify, lambda: condition.notify(2), condition.notify_all):
            with pytest.raises(RuntimeError, match="cannot notify on un-acquired lock"):
                call()
        assert not is_held(condition)

    @any_rlock
    def test_that_another_thread_has_the_lock_will_not_do(
        self, make_lock: Callable[[], Any]
    ) -> None:
        condition = self.make(make_lock())
        with condition:
            for call in (condition.wait, condition.notify, condition.notify_all):
                with pytest.raises(RuntimeError, match="un-acquired"):
                    run_in_thread(call)

    def test_a_notify_that_nobody_waits_for_is_not_kept(self) -> None:
        condition = self.make()
        with condition:
            condition.notify()
            condition.notify_all()
            assert condition.wait(0.01) is False

    @pytest.mark.parametrize(("timeout", "error"), [("1", TypeError), (1e100, OverflowError)])
    def test_a_bad_timeout_is_refused_and_the_lock_stays_held(
        self, timeout: Any, error: Any
    ) -> None:
        condition = self.make()
        with condition:
            with pytest.raises(error):
                condition.wait(timeout)
            with pytest.raises(error):
                condition.wait_for(lambda: False, timeout)
            assert is_held(condition)
        assert not is_held(condition)

    # --- notifying ------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("notify", "expected"),
        [
            (lambda c: c.notify(), 1),
            (lambda c: c.notify(1), 1),
            (lambda c: c.notify(n=3), 3),
            (lambda c: c.notify(5), 5),
            (lambda c: c.notify(100), 5),
            (lambda c: c.notify(0), 0),
            (lambda c: c.notify(-1), 0),
            (lambda c: c.notify_all(), 5),
        ],
        ids=["default", "1", "3", "all", "more", "0", "negative", "notify_all"],
    )
    def test_notify_wakes_as_many_as_it_says(
        self, notify: Callable[[Any], Any], expected: int
    ) -> None:
        condition = self.make()
        waiters = Waiters(condition)
        for _ in range(5):
            waiters.add()
        with condition:
            assert notify(condition) is None
        assert len(waiters.settled(expected)) == expected
        with condition:
            condition.notify_all()
        waiters.join()
        assert sorted(number for number, _ in waiters.woken) == list(range(5))
        assert all(got is True for _, got in waiters.woken)

    def test_whoever_is_notified_goes_on_when_the_lock_is_given_back(self) -> None:
        condition = self.make()
        waiters = Waiters(condition)
        waiters.add()
        with condition:
            condition.notify()
            time.sleep(0.02)
            assert not waiters.woken
        waiters.join()

    def test_whoever_gave_up_is_not_notified_any_more(self) -> None:
        condition = self.make()
        waiters = Waiters(condition)
        waiters.add(0.01)
        wait_until(lambda: waiters.woken == [(0, False)])
        waiters.add()
        with condition:
            condition.notify()
        waiters.join()
        assert waiters.woken == [(0, False), (1, True)]

    def test_may_wait_again_and_again(self) -> None:
        condition, turns = self.make(), 0

        def play(mine: int) -> None:
            nonlocal turns
            for _ in range(200):
                with condition:
                    while turns % 2 != mine:
                        condition.wait()
                    turns += 1
                    condition.notify()

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(play, mine) for mine in (0, 1)]:
                job.result()
        assert turns == 400

    @any_lock
    def test_hands_on_every_item_of_a_queue(self, make_lock: Callable[[], Any]) -> None:
        lock = make_lock()
        not_empty, not_full = (self.make(lock), self.make(lock)) if lock else [self.make()] * 2
        items: deque[int] = deque()
        taken = []

        def consume() -> None:
            while True:
                with not_empty:
                    while not items:
                        not_empty.wait()
                    item = items.popleft()
                    not_full.notify_all()
                if item < 0:
                    return
                taken.append(item)

        consumers = [threading.Thread(target=consume) for _ in range(3)]
        for consumer in consumers:
            consumer.start()
        for item in [*range(300), -1, -1, -1]:
            with not_full:
                while len(items) > 1:
                    not_full.wait()
                items.append(item)
                not_empty.notify_all()
        for consumer in consumers:
            consumer.join()
        assert sorted(taken) == list(range(300))

    def test_the_old_name_of_notify_all_works(self) -> None:
        condition = self.make()
        waiters = Waiters(condition)
        waiters.add()
        waiters.add()
        with condition, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            condition.notifyAll()
        waiters.join()

    # --- wait_for -------------------------------------------------------------------------------

    @any_lock
    def test_wait_for_looks_after_each_notify(self, make_lock: Callable[[], Any]) -> None:
        condition, looks = self.make(make_lock()), []
        state = 0

        def look() -> list[int]:
            assert is_held(condition)
            looks.append(state)
            return [state] if state == 3 else []

        def wait() -> Any:
            with condition:
                return condition.wait_for(look)

        with blocked_in(wait) as waiter:
            wait_until(lambda: looks == [0])
            for i in range(1, 4):
                with condition:
                    state = i
                    condition.notify()
                wait_until(lambda i=i: looks[-1] == i)
            assert waiter.result() == [3]  # what the predicate returned last
        assert looks == [0, 1, 2, 3]

    def test_wait_for_what_is_true_does_not_wait(self) -> None:
        condition = self.make()
        with condition:
            for timeout in (None, 0, -1, 10):
                assert condition.wait_for(lambda: "yes", timeout) == "yes"
        assert condition.wait_for(lambda: 1) == 1  # and so does not need the lock

    @pytest.mark.parametrize("timeout", [0.02, 0, -1])
    def test_wait_for_gives_the_last_value_when_the_time_is_up(self, timeout: float) -> None:
        condition = self.make()
        with condition:
            start = time.monotonic()
            assert condition.wait_for(lambda: [], timeout) == []
            assert condition.wait_for(predicate=lambda: 0, timeout=timeout) == 0
            assert time.monotonic() - start >= 2 * timeout
            assert is_held(condition)

    def test_wait_for_counts_its_time_over_all_notifies(self) -> None:
        condition, stop = self.make(), False

        def pester() -> None:
            while not stop:
                with condition:
                    condition.notify()
                time.sleep(0.001)

        pest = threading.Thread(target=pester)
        pest.start()
        with condition:  # were the time counted anew after each notify, this would never end
            assert condition.wait_for(lambda: False, 0.1) is False
        stop = True
        pest.join()

    def test_an_error_of_the_predicate_comes_out(self) -> None:
        condition = self.make()
        with condition:
            with pytest.raises(ZeroDivisionError):
                condition.wait_for(lambda: 1 / 0)
            assert is_held(condition)
        assert not is_held(condition)
