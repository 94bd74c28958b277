# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What `stats()` says, for every primitive that has it.

A test class says how to `close` a primitive, so that whoever comes waits, how to `wait` for it, and
how to `open` it again on the thread that closed it.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from contracts.blocking import Call, OtherThread, run_in_thread, wait_until

FIELDS = ("waited", "wait_total", "wait_max", "waiters", "owner")


class StatsContract:
    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    @staticmethod
    def close(primitive: Any) -> None:
        """From now on whoever comes waits."""
        raise NotImplementedError

    @staticmethod
    def wait(primitive: Any, seconds: float) -> Any:
        """Waits so long, and leaves the primitive as it was, whether the time was up or not."""
        raise NotImplementedError

    @staticmethod
    def open(primitive: Any) -> None:
        """Lets everybody through."""
        raise NotImplementedError

    def test_nobody_has_waited_for_a_new_one(self) -> None:
        assert tuple(self.make().stats()) == (0, 0.0, 0.0, 0, None)

    def test_has_named_fields_that_cannot_be_changed(self) -> None:
        stats = self.make().stats()
        assert [getattr(stats, name) for name in FIELDS] == list(stats)
        assert [type(value) for value in stats] == [int, float, float, int, type(None)]
        for name in FIELDS:
            with pytest.raises((AttributeError, TypeError)):
                setattr(stats, name, 1)
        assert type(stats).__name__ == "Stats"
        for name in FIELDS:
            assert f"{name}=" in repr(stats)

    def test_takes_no_arguments(self) -> None:
        with pytest.raises(TypeError):
            self.make().stats(1)

    def test_counts_a_wait_and_its_time(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.close, primitive)
        call = Call(lambda: self.wait(primitive, 100))
        wait_until(lambda: primitive.stats().waiters == 1)
        time.sleep(0.05)
        other(self.open, primitive)
        call.result()
        stats = primitive.stats()
        assert stats.waited == 1
        assert stats.waiters == 0
        assert stats.wait_total == stats.wait_max >= 0.05

    def test_counts_all_who_wait_at_once(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.close, primitive)
        calls = []
        for n in range(1, 4):
            calls.append(Call(lambda: self.wait(primitive, 100)))
            wait_until(lambda n=n: primitive.stats().waiters == n)
        time.sleep(0.02)
        other(self.open, primitive)
        for call in calls:
            call.result()
        stats = primitive.stats()
        assert stats.waited >= 3
        assert stats.waiters == 0
        assert stats.wait_max >= 0.02
        assert stats.wait_total >= 3 * 0.02
        assert stats.wait_total > stats.wait_max

    def test_counts_waits_whose_time_was_up(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.close, primitive)
        for i, seconds in enumerate((0.01, 0.03, 0.02), start=1):
            self.wait(primitive, seconds)
            assert primitive.stats().waited == i
        stats = primitive.stats()
        assert stats.wait_total >= 0.06
        assert 0.03 <= stats.wait_max < stats.wait_total
        assert stats.waiters == 0
        other(self.open, primitive)

    def test_is_a_picture_of_one_moment(self, other: OtherThread) -> None:
        primitive = self.make()
        before = primitive.stats()
        other(self.close, primitive)
        self.wait(primitive, 0.001)
        assert before.waited == 0
        assert primitive.stats().waited == 1
        other(self.open, primitive)


class NoWaitContract(StatsContract):
    """For what can be taken when it is free."""

    @staticmethod
    def attempt(primitive: Any) -> Any:
        """A mere try, undone if it succeeds."""
        raise NotImplementedError

    def test_taking_what_is_free_is_no_wait(self) -> None:
        primitive = self.make()
        for _ in range(3):
            self.wait(primitive, 10)
            self.attempt(primitive)
        assert primitive.stats().waited == 0

    def test_a_mere_try_is_no_wait(self, other: OtherThread) -> None:
        primitive = self.make()
        other(self.close, primitive)
        for _ in range(3):
            self.attempt(primitive)
        assert primitive.stats()[:4] == (0, 0.0, 0.0, 0)
        other(self.open, primitive)


class OwnerContract:
    """For what somebody owns."""

    @staticmethod
    def make() -> Any:
        raise NotImplementedError

    def hold(self, primitive: Any) -> None:
        self.close(primitive)  # type: ignore[attr-defined]

    def let_go(self, primitive: Any) -> None:
        self.open(primitive)  # type: ignore[attr-defined]

    def test_tells_its_owner(self, other: OtherThread) -> None:
        primitive = self.make()
        for _ in range(2):
            other(self.hold, primitive)
            assert primitive.stats().owner == other(threading.get_ident)
            assert run_in_thread(primitive.stats).owner == other(threading.get_ident)
            other(self.let_go, primitive)
            assert primitive.stats().owner is None
        self.hold(primitive)
        assert primitive.stats().owner == threading.get_ident()
        self.let_go(primitive)
        assert primitive.stats().owner is None


class HandedOverContract(OwnerContract):
    """For what threads wait to own."""

    def test_the_owner_is_the_one_it_was_handed_to(self, other: OtherThread) -> None:
        primitive, go = self.make(), threading.Event()
        other_ident = other(threading.get_ident)
        self.hold(primitive)

        def take_and_keep() -> int:
            self.hold(primitive)
            go.wait()
            self.let_go(primitive)
            return threading.get_ident()

        call = other.submit(take_and_keep)
        wait_until(lambda: primitive.stats().waiters == 1)
        assert primitive.stats().owner == threading.get_ident()
        self.let_go(primitive)
        wait_until(lambda: primitive.stats().owner == other_ident)
        go.set()
        assert call.result() == other_ident
        assert primitive.stats().owner is None
