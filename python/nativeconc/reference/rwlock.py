# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.RWLock`."""

from __future__ import annotations

import threading
from collections import Counter, deque

from nativeconc.errors import DeadlockError
from nativeconc.reference.named import Named
from nativeconc.reference.stats import Stats, WaitStats
from nativeconc.reference.thread_id import ThreadId, this_thread
from nativeconc.reference.timeouts import Seconds, TimedEntry, lock_timeout, time_limit

__all__ = ["RWLock", "Reading", "Writing"]


class _Waiter:
    def __init__(self) -> None:
        self.thread = this_thread()
        self.is_in = False


class RWLock(Named):
    """Many threads read at once, or one writes. Neither side starves the other.

    Who comes to read while a writer waits lets it go first; when a writer leaves, all who waited to
    read go before the next writer. A thread may read inside its own read or write, and write inside
    its own write.

    Args:
        name: what `repr` calls the lock.

    Raises:
        TypeError: The name is neither a str nor None.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._changed = threading.Condition(threading.Lock())
        self._reads: Counter[ThreadId] = Counter()  # of those who are inside
        self._writer: ThreadId | None = None
        self._writes = 0  # of the writer
        self._waiting_readers: deque[_Waiter] = deque()
        self._waiting_writers: deque[_Waiter] = deque()
        self._stats = WaitStats()

    def acquire_read(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Begin to read, once more if this thread reads or writes. Returns whether it may.

        Args:
            blocking: False only tries, and never waits.
            timeout: seconds to wait at most; -1 waits for ever.

        Raises:
            ValueError: The timeout is NaN, or negative but not -1, or given to a try.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        seconds = lock_timeout(blocking, timeout)
        me = this_thread()
        with self._changed:
            is_open = self._writer is None and not self._waiting_writers
            if is_open or me in self._reads or self._writer is me:
                self._reads[me] += 1
                return True
            return self._wait_in(self._waiting_readers, seconds)

    def release_read(self) -> None:
        """Undo one `acquire_read`.

        Raises:
            RuntimeError: This thread does not read.
        """
        me = this_thread()
        with self._changed:
            if me not in self._reads:
                raise RuntimeError("cannot release a read lock that this thread does not hold")
            self._reads[me] -= 1
            if self._reads[me] == 0:
                del self._reads[me]
            self._let_in()

    def acquire_write(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Begin to write, once more if this thread writes. Returns whether it may.

        Args:
            blocking: False only tries, and never waits.
            timeout: seconds to wait at most; -1 waits for ever.

        Raises:
            DeadlockError: This thread reads: it would wait for itself.
            ValueError: The timeout is NaN, or negative but not -1, or given to a try.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        seconds = lock_timeout(blocking, timeout)
        me = this_thread()
        with self._changed:
            if self._writer is me:
                self._writes += 1
                return True
            if me in self._reads:
                if not blocking:
                    return False
                raise DeadlockError(f"{self!r}: this thread reads, so its write would never begin")
            if self._writer is None and not self._reads and not self._waiting_writers:
                self._begin_to_write(me)
                return True
            return self._wait_in(self._waiting_writers, seconds)

    def release_write(self) -> None:
        """Undo one `acquire_write`. A thread that still reads goes on as a reader.

        Raises:
            RuntimeError: This thread does not write.
        """
        with self._changed:
            if self._writer is not this_thread():
                raise RuntimeError("cannot release a write lock that this thread does not hold")
            self._writes -= 1
            if self._writes == 0:
                self._end_writing()

    def downgrade(self) -> None:
        """Go on as a reader: no other writer comes in between.

        Raises:
            RuntimeError: This thread does not write, or has begun to more than once.
        """
        me = this_thread()
        with self._changed:
            if self._writer is not me:
                raise RuntimeError("cannot downgrade: this thread does not write")
            if self._writes > 1:
                raise RuntimeError(
                    "cannot downgrade: this thread has taken the write lock more than once"
                )
            self._reads[me] += 1
            self._writes = 0
            self._end_writing()

    def read(self, timeout: Seconds | None = None) -> TimedEntry:
        """Return a context manager that reads; `LockTimeout` if it cannot within the time."""
        return TimedEntry(Reading(self), None if timeout is None else time_limit(timeout))

    def write(self, timeout: Seconds | None = None) -> TimedEntry:
        """Return a context manager that writes; `LockTimeout` if it cannot within the time."""
        return TimedEntry(Writing(self), None if timeout is None else time_limit(timeout))

    def stats(self) -> Stats:
        """Return how often and how long threads waited for the lock, and which one writes."""
        writer = self._writer
        return self._stats.now(None if writer is None else writer.ident)

    def __repr__(self) -> str:
        if self._writer is not None:
            return self._describe("write-locked")
        return self._describe("read-locked" if self._reads else "unlocked")

    # The rest is called with the condition's lock held.

    def _begin_to_write(self, thread: ThreadId) -> None:
        self._writer = thread
        self._writes = 1

    def _end_writing(self) -> None:
        self._writer = None
        self._let_readers_in()
        self._let_in()

    def _wait_in(self, queue: deque[_Waiter], seconds: float | None) -> bool:
        if seconds == 0:
            return False
        waiter = _Waiter()
        queue.append(waiter)
        try:
            with self._stats.waiting():
                self._changed.wait_for(lambda: waiter.is_in, seconds)
        finally:
            if not waiter.is_in:
                queue.remove(waiter)
                self._let_in()
        return waiter.is_in

    def _let_in(self) -> None:
        """Whoever may go in now does."""
        if self._writer is not None:
            return
        if not self._waiting_writers:
            self._let_readers_in()
        elif not self._reads:
            waiter = self._waiting_writers.popleft()
            self._begin_to_write(waiter.thread)
            waiter.is_in = True
            self._changed.notify_all()

    def _let_readers_in(self) -> None:
        while self._waiting_readers:
            waiter = self._waiting_readers.popleft()
            self._reads[waiter.thread] += 1
            waiter.is_in = True
        self._changed.notify_all()


class Reading:
    """The reading side of an `RWLock`, with the methods of a lock."""

    def __init__(self, rwlock: RWLock) -> None:
        self.rwlock = rwlock
        self.acquire = rwlock.acquire_read
        self.release = rwlock.release_read

    def __repr__(self) -> str:
        return repr(self.rwlock)


class Writing:
    """The writing side of an `RWLock`, with the methods of a lock."""

    def __init__(self, rwlock: RWLock) -> None:
        self.rwlock = rwlock
        self.acquire = rwlock.acquire_write
        self.release = rwlock.release_write

    def __repr__(self) -> str:
        return repr(self.rwlock)
