# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.Lock`."""

from __future__ import annotations

import threading
from types import TracebackType

from nativeconc.reference.named import Named
from nativeconc.reference.permits import Permits
from nativeconc.reference.stats import Stats
from nativeconc.reference.timeouts import Seconds, TimedEntry, lock_timeout, time_limit

__all__ = ["Lock"]


class Lock(Named):
    """A mutual-exclusion lock: one permit.

    It behaves as `nativeconc.Lock` does, with two exceptions that only native code can avoid:
    Ctrl-C may leave it held when it strikes between taking it and entering the body of ``with``,
    and a waiter may be overtaken any number of times. No twin finds deadlocks.

    Args:
        name: what `repr` calls the lock.

    Raises:
        TypeError: The name is neither a str nor None.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._permits = Permits(1)
        self._owner: int | None = None  # for stats() alone: any thread may release

    def acquire(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Take the lock, waiting until it is free. Returns whether it was taken.

        Args:
            blocking: False only tries, and never waits.
            timeout: seconds to wait at most; -1 waits for ever.

        Raises:
            ValueError: The timeout is NaN, or negative but not -1, or given to a try.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        if not self._permits.take(lock_timeout(blocking, timeout)):
            return False
        self._owner = threading.get_ident()
        return True

    def release(self) -> None:
        """Give the lock back. Any thread may.

        Raises:
            RuntimeError: The lock is not locked.
        """
        self._owner = None
        if not self._permits.give(1, most=1):
            raise RuntimeError("release unlocked lock")

    def locked(self) -> bool:
        """Return whether the lock is taken at this moment."""
        return self._permits.count == 0

    def timeout(self, seconds: Seconds, /) -> TimedEntry:
        """Return a context manager that takes the lock within the time, or raises `LockTimeout`."""
        return TimedEntry(self, time_limit(seconds))

    def stats(self) -> Stats:
        """Return how often and how long threads waited for the lock, and which one has it."""
        return self._permits.stats.now(self._owner)

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
        return self._describe("locked" if self.locked() else "unlocked")

    def _at_fork_reinit(self) -> None:
        self._permits = Permits(1)
        self._owner = None
