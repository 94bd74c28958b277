# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.Barrier`."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from threading import BrokenBarrierError
from typing import Any, SupportsIndex

from nativeconc.reference.permits import ThreadsOnly
from nativeconc.reference.stats import Stats, WaitStats
from nativeconc.reference.timeouts import Seconds, optional_timeout

__all__ = ["Barrier"]

_MOST = 2**31 - 1


class _Round:
    """One meeting: it is open at first, and then once and for all tripped or broken."""

    def __init__(self) -> None:
        self.arrived = 0
        self.is_tripped = False
        self.is_broken = False

    def is_over(self) -> bool:
        return self.is_tripped or self.is_broken


class Barrier(ThreadsOnly):
    """A meeting point: so many threads wait for each other, and then all go on.

    Args:
        parties: how many threads must come, at least 1.
        action: called without arguments by the last one to come, while the others wait on.
        timeout: seconds that `wait` waits when it is not told otherwise; None waits for ever.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: parties is out of range, or the timeout is NaN.
        OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
    """

    def __init__(
        self,
        parties: SupportsIndex,
        action: Callable[[], Any] | None = None,
        timeout: Seconds | None = None,
    ) -> None:
        self._parties = _count(parties)
        if action is not None and not callable(action):
            raise TypeError(f"action must be callable or None, not {type(action).__name__}")
        self._action = action
        self._timeout = optional_timeout(timeout)
        self._changed = threading.Condition(threading.Lock())
        self._gathering = _Round()
        self._is_broken = False
        self._stats = WaitStats()

    def wait(self, timeout: Seconds | None = None) -> int:
        """Wait until all parties have come.

        Args:
            timeout: seconds to wait at most; None means the barrier's own. When the time is up the
                barrier breaks, for everybody.

        Returns:
            How many had come before this one: 0 to parties - 1.

        Raises:
            BrokenBarrierError: The barrier is broken, or broken or reset while waiting.
            ValueError: The timeout is NaN.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        seconds = self._timeout if timeout is None else optional_timeout(timeout)
        with self._changed:
            if self._is_broken:
                raise BrokenBarrierError
            this = self._gathering
            index = this.arrived
            this.arrived += 1
            if this.arrived < self._parties:
                self._wait_until_over(this, seconds)
                return index
            self._gathering = _Round()  # who comes from now on waits for the next one
        self._trip(this)
        return index

    def reset(self) -> None:
        """Make the barrier as new. Those who wait get a `BrokenBarrierError`."""
        with self._changed:
            self._break_gathering()
            self._is_broken = False

    def abort(self) -> None:
        """Break the barrier for those who wait and those who come, until it is reset."""
        with self._changed:
            self._break_gathering()

    @property
    def parties(self) -> int:
        """How many threads must come."""
        return self._parties

    @property
    def n_waiting(self) -> int:
        """How many threads have come and wait."""
        return self._gathering.arrived

    @property
    def broken(self) -> bool:
        """Whether the barrier is broken."""
        return self._is_broken

    def stats(self) -> Stats:
        """Return how often and how long threads waited for others. A barrier has no owner."""
        return self._stats.now()

    def __repr__(self) -> str:
        state = "broken" if self.broken else f"waiters={self.n_waiting}/{self.parties}"
        return f"<reference.{type(self).__name__} at {id(self):#x}: {state}>"

    def _wait_until_over(self, this: _Round, seconds: float | None) -> None:
        try:
            with self._stats.waiting():
                self._changed.wait_for(this.is_over, seconds)
                if not this.is_over() and this is self._gathering:
                    self._break_gathering()  # the time is up
                # Once all are there, time does not count any more.
                self._changed.wait_for(this.is_over)
        except BaseException:
            this.arrived -= 1
            raise
        if this.is_broken:
            raise BrokenBarrierError

    def _trip(self, this: _Round) -> None:
        try:
            if self._action is not None:
                self._action()
        except BaseException:
            with self._changed:
                this.is_broken = True
                self._break_gathering()
            raise
        with self._changed:
            this.is_tripped = True
            self._changed.notify_all()

    def _break_gathering(self) -> None:
        self._is_broken = True
        self._gathering.is_broken = True
        self._gathering = _Round()
        self._changed.notify_all()


def _count(parties: SupportsIndex) -> int:
    try:
        count = operator.index(parties)
    except TypeError:
        raise TypeError(f"parties must be an int, not {type(parties).__name__}") from None
    if not 1 <= count <= _MOST:
        raise ValueError(f"parties must be from 1 to {_MOST}, not {parties}")
    return count
