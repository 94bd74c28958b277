# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What an event does, whoever implements it: all that `threading.Event` documents."""

from __future__ import annotations

import concurrent.futures
import math
import threading
import time
import warnings
from typing import Any

import pytest

from contracts.blocking import Call, blocked_in, wait_until


class EventContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def waiting(self, event: Any) -> int:
        """How many threads wait for it."""
        return event.stats().waiters if hasattr(event, "stats") else len(event._cond._waiters)

    def made(self, *, is_set: bool) -> Any:
        event = self.make()
        if is_set:
            event.set()
        return event

    def test_is_born_clear(self) -> None:
        assert self.make().is_set() is False

    def test_is_set_and_cleared_any_number_of_times(self) -> None:
        event = self.make()
        for _ in range(2):
            for _ in range(2):
                assert event.set() is None
                assert event.is_set() is True
            for _ in range(2):
                assert event.clear() is None
                assert event.is_set() is False

    @pytest.mark.parametrize("timeout", [None, 0, -1, 0.5, 100, threading.TIMEOUT_MAX])
    def test_wait_returns_true_at_once_when_it_is_set(self, timeout: float | None) -> None:
        event = self.made(is_set=True)
        assert event.wait(timeout) is True
        assert event.wait(timeout=timeout) is True
        assert event.is_set() is True

    @pytest.mark.parametrize("timeout", [0.02, 1e-9, 0, -1, -0.5])
    def test_wait_returns_false_when_the_time_is_up_and_not_early(self, timeout: float) -> None:
        event = self.make()
        start = time.monotonic()
        assert event.wait(timeout) is False
        assert time.monotonic() - start >= timeout
        assert event.wait(timeout=timeout) is False
        assert event.is_set() is False

    @pytest.mark.parametrize("timeout", [None, 100, threading.TIMEOUT_MAX])
    def test_wait_ends_when_it_is_set(self, timeout: float | None) -> None:
        event = self.make()
        with blocked_in(lambda: event.wait(timeout)) as waiter:
            assert not waiter.is_done()
            event.set()
            assert waiter.result() is True

    def test_wait_without_a_timeout_waits_for_ever(self) -> None:
        event = self.make()
        with blocked_in(event.wait) as waiter:
            assert not waiter.is_done()
            event.set()
            assert waiter.result() is True

    def test_set_wakes_everybody(self) -> None:
        event = self.make()
        waiters = [Call(event.wait) for _ in range(6)]
        time.sleep(0.02)
        assert not any(waiter.is_done() for waiter in waiters)
        event.set()
        assert [waiter.result() for waiter in waiters] == [True] * 6

    def test_whoever_waits_gets_through_even_if_it_is_cleared_at_once(self) -> None:
        event = self.make()
        waiters = [Call(event.wait) for _ in range(6)]
        wait_until(lambda: self.waiting(event) == 6)
        event.set()
        event.clear()
        assert [waiter.result() for waiter in waiters] == [True] * 6
        assert event.wait(0.01) is False  # whoever comes later waits

    def test_a_wait_whose_time_was_up_leaves_it_usable(self) -> None:
        event = self.make()
        for _ in range(10):
            assert event.wait(0.001) is False
        with blocked_in(event.wait):
            event.set()

    def test_serves_again_after_each_clear(self) -> None:
        ping, pong, rounds = self.make(), self.make(), []

        def answer() -> None:
            for i in range(200):
                ping.wait()
                ping.clear()
                rounds.append(i)
                pong.set()

        with blocked_in(answer):
            for i in range(200):
                ping.set()
                pong.wait()
                pong.clear()
                assert rounds[-1] == i

    def test_what_was_done_before_set_is_seen_after_wait(self) -> None:
        for i in range(100):
            event, box = self.make(), []
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                seen = pool.submit(lambda event=event, box=box: (event.wait(), list(box)))
                box.append(i)
                event.set()
                assert seen.result() == (True, [i])

    def test_many_may_set_and_clear_it_while_others_wait(self) -> None:
        event, stop = self.make(), False

        def flicker() -> None:
            while not stop:
                event.set()
                event.clear()

        flickerers = [threading.Thread(target=flicker) for _ in range(2)]
        for thread in flickerers:
            thread.start()
        waiters = [Call(lambda: [event.wait() for _ in range(20)]) for _ in range(3)]
        wait_until(lambda: all(waiter.is_done() for waiter in waiters))
        stop = True
        for thread in flickerers:
            thread.join()
        assert all(waiter.result() == [True] * 20 for waiter in waiters)

    @pytest.mark.parametrize(
        ("timeout", "error"), [("1", TypeError), ([], TypeError), (1e100, OverflowError)]
    )
    def test_a_bad_timeout_is_refused(self, timeout: Any, error: Any) -> None:
        event = self.make()
        with pytest.raises(error):
            event.wait(timeout)
        assert event.is_set() is False
        event.set()
        assert event.wait() is True

    def test_wrong_arguments_are_refused(self) -> None:
        event = self.make()
        for call in (
            lambda: event.wait(0, 1),
            lambda: event.wait(seconds=1),
            lambda: event.set(1),
            lambda: event.clear(1),
            lambda: event.is_set(1),
            lambda: type(event)(1),
            lambda: type(event)(names="event"),
        ):
            with pytest.raises(TypeError):
                call()
        assert event.is_set() is False

    def test_the_old_name_of_is_set_works(self) -> None:
        for is_set in (True, False):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert self.made(is_set=is_set).isSet() is is_set

    def test_repr_says_whether_it_is_set(self) -> None:
        event = self.make()
        assert repr(event).endswith(": unset>")
        assert f"Event at {id(event):#x}" in repr(event)
        event.set()
        assert repr(event).endswith(": set>")

    def test_events_compare_by_identity_and_hash(self) -> None:
        a, b = self.make(), self.make()
        assert a == a
        assert a != b
        assert len({a, b}) == 2

    def test_keeps_its_flag_after_a_fork(self) -> None:
        for is_set in (True, False):
            event = self.made(is_set=is_set)
            event._at_fork_reinit()  # threading.Thread calls it
            assert event.is_set() is is_set


class NativeConcEventContract(EventContract):
    """What the events of nativeconc promise beyond `threading.Event`."""

    @pytest.mark.parametrize("is_set", [True, False])
    @pytest.mark.parametrize(
        ("timeout", "error"),
        [
            (math.nan, ValueError),
            ("1", TypeError),
            (1j, TypeError),
            (math.inf, OverflowError),
            (threading.TIMEOUT_MAX + 1, OverflowError),
        ],
    )
    def test_a_bad_timeout_is_refused_even_when_it_is_set(
        self, is_set: bool, timeout: Any, error: Any
    ) -> None:
        event = self.made(is_set=is_set)
        with pytest.raises(error):
            event.wait(timeout)
        assert event.is_set() is is_set
