# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.Condition`."""

from __future__ import annotations

import operator
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, SupportsIndex, TypeVar

from nativeconc.reference.lock import Lock
from nativeconc.reference.permits import ThreadsOnly
from nativeconc.reference.rlock import RLock
from nativeconc.reference.stats import Stats, WaitStats
from nativeconc.reference.timeouts import Seconds, TimedEntry, optional_timeout, time_limit

__all__ = ["Condition"]

T = TypeVar("T")


class Condition(ThreadsOnly):
    """A lock, and a queue of threads that wait to be notified, first come first served.

    Args:
        lock: a lock of any kind: anything with acquire() and release(). A new `RLock` if None.

    Raises:
        TypeError: The lock has no acquire() or no release().
    """

    def __init__(self, lock: Any = None) -> None:
        if lock is None:
            lock = RLock()
        if not hasattr(lock, "acquire") or not hasattr(lock, "release"):
            raise TypeError(
                f"lock must have acquire() and release(), and {type(lock).__name__} has not"
            )
        self._lock = lock
        # A waiter is a lock that is held until the notify. The queue is guarded by the lock above.
        self._waiters: deque[threading.Lock] = deque()
        self._stats = WaitStats()

    def acquire(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Take the lock. Its own method of this name says what the arguments mean."""
        # Not every lock knows both, or means the same by -1.
        if timeout != -1:
            return bool(self._lock.acquire(blocking, timeout))
        return bool(self._lock.acquire() if blocking else self._lock.acquire(blocking))

    def release(self) -> None:
        """Give the lock back, by its own method of this name."""
        self._lock.release()

    def locked(self) -> bool:
        """Say whether anyone holds the lock, by its own method of this name.

        Raises:
            AttributeError: The lock has no such method.
        """
        return bool(self._lock.locked())

    def timeout(self, seconds: Seconds, /) -> TimedEntry:
        """Return a context manager that takes the lock within the time, or raises `LockTimeout`."""
        return TimedEntry(self, time_limit(seconds))

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Give the lock back, wait for a notify, and take the lock again.

        Args:
            timeout: seconds to wait for the notify at most; None waits for ever.

        Returns:
            Whether there was a notify.

        Raises:
            RuntimeError: The lock is not held.
            ValueError: The timeout is NaN.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        seconds = optional_timeout(timeout)
        self._check_owned("wait")
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        saved = self._release_save()
        try:
            with self._stats.waiting():
                waiter.acquire(timeout=-1 if seconds is None else seconds)
        except BaseException:
            # It has no use for a notify any more: let another have it.
            self._acquire_restore(saved)
            if self._leave(waiter):
                self.notify()
            raise
        self._acquire_restore(saved)
        return self._leave(waiter)

    def wait_for(self, predicate: Callable[[], T], timeout: Seconds | None = None) -> T:
        """Wait until predicate() is true, looking again after each notify.

        Args:
            predicate: called with the lock held.
            timeout: seconds to wait at most, all together; None waits for ever.

        Returns:
            What the predicate returned last.
        """
        seconds = optional_timeout(timeout)
        deadline = None if seconds is None else time.monotonic() + seconds
        while not (result := predicate()):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: SupportsIndex = 1) -> None:
        """Wake the n threads that have waited longest, or as many as there are.

        Raises:
            RuntimeError: The lock is not held.
            TypeError: n is not an int.
        """
        try:
            count = operator.index(n)
        except TypeError:
            raise TypeError(f"n must be an int, not {type(n).__name__}") from None
        self._check_owned("notify")
        for _ in range(min(count, len(self._waiters))):
            self._waiters.popleft().release()

    def notify_all(self) -> None:
        """Wake all threads that wait.

        Raises:
            RuntimeError: The lock is not held.
        """
        self.notify(len(self._waiters))

    def notifyAll(self) -> None:  # noqa: N802 - threading's
        """Do what `notify_all` does: an old name."""
        self.notify_all()

    def stats(self) -> Stats:
        """Return how often and how long threads waited for a notify, and who has the lock."""
        is_ours = isinstance(self._lock, Lock | RLock)
        return self._stats.now(self._lock.stats().owner if is_ours else None)

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
        return f"<Condition({self._lock!r}, {len(self._waiters)})>"

    def _leave(self, waiter: threading.Lock) -> bool:
        """Ends a wait, with the lock held. Returns whether there was a notify."""
        if waiter not in self._waiters:
            return True
        self._waiters.remove(waiter)
        return False

    def _check_owned(self, what: str) -> None:
        if not self._is_owned():
            raise RuntimeError(f"cannot {what} on un-acquired lock")

    # A lock that can be taken more than once knows how to be given back altogether.

    def _is_owned(self) -> bool:
        if hasattr(self._lock, "_is_owned"):
            return bool(self._lock._is_owned())
        if self._lock.acquire(False):
            self._lock.release()
            return False
        return True

    def _release_save(self) -> Any:
        if hasattr(self._lock, "_release_save"):
            return self._lock._release_save()
        self._lock.release()
        return None

    def _acquire_restore(self, saved: Any) -> None:
        if hasattr(self._lock, "_acquire_restore"):
            self._lock._acquire_restore(saved)
        else:
            self._lock.acquire()

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()
        self._waiters.clear()
