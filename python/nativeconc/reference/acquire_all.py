# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.acquire_all`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from nativeconc.errors import LockTimeout
from nativeconc.reference.condition import Condition
from nativeconc.reference.permits import ThreadsOnly
from nativeconc.reference.rwlock import Reading, RWLock, Writing
from nativeconc.reference.timeouts import Acquirable, Seconds, TimedEntry, time_limit

__all__ = ["AcquireAll", "acquire_all"]


def acquire_all(*locks: Any, timeout: Seconds | None = None) -> AcquireAll:
    """Return a context manager that takes all locks, or none.

    It waits for one lock and tries the others; if one of these is taken, it gives all back and
    waits for that one next. So no thread waits for one of the locks while it holds another of them.

    Args:
        locks: anything with acquire(timeout=) and release(). An `RWLock` means to write; what its
            read() and write() return may be given, too.
        timeout: seconds to wait at most, all together; None waits for ever.

    Raises:
        TypeError: Something is not a lock, or the timeout is not a number.
        ValueError: A lock is given twice, or with a timeout of its own, or the timeout is negative
            or NaN.
        OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.

    Source: try and back off, as in Howard Hinnant, "Dining Philosophers Rebooted" (2013).
    """
    seconds = None if timeout is None else time_limit(timeout)
    sides = [_as_lock(lock) for lock in locks]
    innermost = [_innermost(side) for side in sides]
    for i, lock in enumerate(innermost):
        if any(lock is other for other in innermost[:i]):
            raise ValueError(f"acquire_all() was given the same lock twice: {lock!r}")
    return AcquireAll(sides, seconds)


class AcquireAll(ThreadsOnly):
    """Takes all on entering, or none; gives all back on leaving. May be entered again."""

    def __init__(self, locks: list[Acquirable], seconds: float | None) -> None:
        self._locks = locks
        self._seconds = seconds

    def __enter__(self) -> None:
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        first: int | None = 0 if self._locks else None
        while first is not None:
            if deadline is None:
                if self._locks[first].acquire() is False:  # None is nothing to say
                    raise LockTimeout(
                        f"{self._locks[first]!r} could not be taken: its acquire() returned False"
                    )
            else:
                left = max(deadline - time.monotonic(), 0.0)
                if not self._locks[first].acquire(timeout=left):
                    raise self._timed_out()
            first = self._try_others(first)
            if first is not None and deadline is not None and time.monotonic() >= deadline:
                raise self._timed_out()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:  # gives back in reverse order, all of them even if one raises
            for lock in self._locks:
                stack.callback(lock.release)

    def _timed_out(self) -> LockTimeout:
        return LockTimeout(
            f"the {len(self._locks)} locks were not all free within {self._seconds} seconds"
        )

    def _try_others(self, first: int) -> int | None:
        """Takes the others while `first` is held. One that is busy: gives all back, and says which.

        Returns None when all are held.
        """
        with ExitStack() as taken:
            taken.callback(self._locks[first].release)
            for i, lock in enumerate(self._locks):
                if i == first:
                    continue
                if not lock.acquire(timeout=0):
                    return i
                taken.callback(lock.release)
            taken.pop_all()
        return None


def _as_lock(given: Any) -> Acquirable:
    if isinstance(given, RWLock):
        return Writing(given)
    if isinstance(given, TimedEntry):
        if given.seconds is not None:
            raise ValueError(
                "a lock of acquire_all() cannot have a timeout of its own: "
                "give the timeout to acquire_all()"
            )
        return given.primitive
    if not hasattr(given, "acquire") or not hasattr(given, "release"):
        raise TypeError(
            f"acquire_all() takes locks, with acquire() and release(), not {type(given).__name__}"
        )
    lock: Acquirable = given
    return lock


def _innermost(lock: Any) -> Any:
    """What is really taken: an `RWLock` for its sides, the lock of a `Condition`."""
    while isinstance(lock, Condition):
        lock = lock._lock
    return lock.rwlock if isinstance(lock, Reading | Writing) else lock
