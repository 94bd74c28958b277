# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""A counter that threads take from and wait for: what a lock and a semaphore have in common."""

from __future__ import annotations

import threading
from typing import NoReturn

from nativeconc.reference.stats import WaitStats

__all__ = ["Permits", "ThreadsOnly"]


class Permits:
    """So many permits. A waiter may be overtaken by a newcomer: who looks first, takes.

    Args:
        count: how many there are at the start.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.stats = WaitStats()
        self._given_back = threading.Condition(threading.Lock())

    def take(self, timeout: float | None) -> bool:
        """Take one, waiting so many seconds at most (None: for ever). Returns whether it did."""
        with self._given_back:
            if self._take_if_any():
                return True
            if timeout == 0:
                return False
            with self.stats.waiting():
                return self._given_back.wait_for(self._take_if_any, timeout)

    def give(self, n: int, most: int) -> bool:
        """Give n back, unless that makes more than `most`: then change nothing, return False."""
        with self._given_back:
            if self.count + n > most:
                return False
            self.count += n
            self._given_back.notify(n)
            return True

    def _take_if_any(self) -> bool:
        if self.count == 0:
            return False
        self.count -= 1
        return True


class ThreadsOnly:
    """A base class whose instances cannot be pickled or copied."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"cannot pickle or copy {type(self).__name__!r} object: "
            "it belongs to the threads of one process"
        )
