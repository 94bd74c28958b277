# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twins of `nativeconc.Semaphore` and `nativeconc.BoundedSemaphore`."""

from __future__ import annotations

import operator
from types import TracebackType
from typing import SupportsIndex

from nativeconc.reference.permits import Permits, ThreadsOnly
from nativeconc.reference.stats import Stats
from nativeconc.reference.timeouts import Seconds, TimedEntry, semaphore_timeout, time_limit

__all__ = ["BoundedSemaphore", "Semaphore"]

_MOST = 2**31 - 1


class Semaphore(ThreadsOnly):
    """A counter of permits: `acquire` takes one and waits while there is none.

    Args:
        value: the permits at the start, from 0 to 2147483647.

    Raises:
        TypeError: The value is not an int.
        ValueError: The value is out of range.
    """

    def __init__(self, value: SupportsIndex = 1) -> None:
        self._permits = Permits(_count(value, "value", least=0))

    def acquire(self, blocking: bool = True, timeout: Seconds | None = None) -> bool:
        """Take a permit, waiting until there is one. Returns whether one was taken.

        Args:
            blocking: False only tries, and never waits.
            timeout: seconds to wait at most; None waits for ever, a negative number not at all.

        Raises:
            ValueError: The timeout is NaN, or given to a try.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        return self._permits.take(semaphore_timeout(blocking, timeout))

    def release(self, n: SupportsIndex = 1) -> None:
        """Give back n permits, all or none.

        Raises:
            ValueError: n is less than 1.
            OverflowError: The semaphore would hold more than 2147483647 permits.
        """
        if not self._permits.give(_count(n, "n", least=1), most=_MOST):
            raise OverflowError(f"a semaphore cannot hold more than {_MOST} permits")

    def timeout(self, seconds: Seconds, /) -> TimedEntry:
        """Return a context manager that takes a permit within the time, or raises `LockTimeout`."""
        return TimedEntry(self, time_limit(seconds))

    def stats(self) -> Stats:
        """Return how often and how long threads waited for a permit. A semaphore has no owner."""
        return self._permits.stats.now()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<reference.{type(self).__name__} at {id(self):#x}: value={self._permits.count}>"


class BoundedSemaphore(Semaphore):
    """A semaphore that refuses to hold more permits than it started with.

    Args:
        value: the permits at the start, and the most there may ever be.
    """

    def __init__(self, value: SupportsIndex = 1) -> None:
        super().__init__(value)
        self._bound = self._permits.count

    def release(self, n: SupportsIndex = 1) -> None:
        """Give back n permits, all or none.

        Raises:
            ValueError: n is less than 1, or the semaphore would exceed its initial value.
        """
        if not self._permits.give(_count(n, "n", least=1), most=self._bound):
            raise ValueError("Semaphore released too many times")

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}/{self._bound}>"


def _count(number: SupportsIndex, name: str, *, least: int) -> int:
    try:
        count = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {type(number).__name__}") from None
    if not least <= count <= _MOST:
        raise ValueError(f"{name} must be from {least} to {_MOST}, not {number}")
    return count
