# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.Lock`."""

from __future__ import annotations

from types import TracebackType

from nativeconc.reference.permits import Permits, ThreadsOnly
from nativeconc.reference.timeouts import Seconds, TimedEntry, lock_timeout

__all__ = ["Lock"]


class Lock(ThreadsOnly):
    """A mutual-exclusion lock: one permit.

    It behaves as `nativeconc.Lock` does, with two exceptions that only native code can avoid:
    Ctrl-C may leave it held when it strikes between taking it and entering the body of ``with``,
    and a waiter may be overtaken any number of times.

    Args:
        name: what `repr` calls the lock.

    Raises:
        TypeError: The name is neither a str nor None.
    """

    def __init__(self, *, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a str or None, not {type(name).__name__}")
        self._name = name
        self._permits = Permits(1)

    @property
    def name(self) -> str | None:
        """The name given at creation, or None."""
        return self._name

    def acquire(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Take the lock, waiting until it is free. Returns whether it was taken.

        Args:
            blocking: False only tries, and never waits.
            timeout: seconds to wait at most; -1 waits for ever.

        Raises:
            ValueError: The timeout is NaN, or negative but not -1, or given to a try.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        return self._permits.take(lock_timeout(blocking, timeout))

    def release(self) -> None:
        """Give the lock back. Any thread may.

        Raises:
            RuntimeError: The lock is not locked.
        """
        if not self._permits.give(1, most=1):
            raise RuntimeError("release unlocked lock")

    def locked(self) -> bool:
        """Return whether the lock is taken at this moment."""
        return self._permits.count == 0

    def timeout(self, seconds: Seconds, /) -> TimedEntry:
        """Return a context manager that takes the lock within the time, or raises `LockTimeout`."""
        return TimedEntry(self, seconds)

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
        state = "locked" if self.locked() else "unlocked"
        name = "" if self._name is None else f" {self._name!r}"
        return f"<{state} reference.{type(self).__name__} object{name} at {id(self):#x}>"

    def _at_fork_reinit(self) -> None:
        self._permits = Permits(1)
