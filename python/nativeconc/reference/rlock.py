# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.RLock`."""

from __future__ import annotations

from types import TracebackType

from nativeconc.reference.named import Named
from nativeconc.reference.permits import Permits
from nativeconc.reference.stats import Stats
from nativeconc.reference.thread_id import ThreadId, this_thread
from nativeconc.reference.timeouts import Seconds, TimedEntry, lock_timeout, time_limit

__all__ = ["RLock"]


class RLock(Named):
    """A lock that its owner may take again: one permit, an owner and a count.

    Args:
        name: what `repr` calls the lock.

    Raises:
        TypeError: The name is neither a str nor None.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._permits = Permits(1)
        self._owner: ThreadId | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Take the lock, once more if this thread has it. Returns whether it was taken.

        Args:
            blocking: False only tries, and never waits.
            timeout: seconds to wait at most; -1 waits for ever.

        Raises:
            ValueError: The timeout is NaN, or negative but not -1, or given to a try.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        seconds = lock_timeout(blocking, timeout)
        if self._is_owned():
            self._depth += 1
            return True
        if not self._permits.take(seconds):
            return False
        self._owner = this_thread()
        self._depth = 1
        return True

    def release(self) -> None:
        """Undo one `acquire`; the last one gives the lock back.

        Raises:
            RuntimeError: This thread does not have the lock.
        """
        self._check_owned()
        self._depth -= 1
        if self._depth == 0:
            self._give_back()

    def locked(self) -> bool:
        """Return whether any thread has the lock at this moment."""
        return self._permits.count == 0

    def timeout(self, seconds: Seconds, /) -> TimedEntry:
        """Return a context manager that takes the lock within the time, or raises `LockTimeout`."""
        return TimedEntry(self, time_limit(seconds))

    def stats(self) -> Stats:
        """Return how often and how long threads waited for the lock, and which one has it."""
        owner = self._owner
        return self._permits.stats.now(None if owner is None else owner.ident)

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
        owner = self._owner
        details = f" owner={0 if owner is None else owner.ident} count={self._depth}"
        return self._describe("locked" if self.locked() else "unlocked", details)

    # What a condition asks of its lock: to be given back altogether, and taken as often as it was.

    def _is_owned(self) -> bool:
        return self._owner is this_thread()

    def _recursion_count(self) -> int:
        return self._depth if self._is_owned() else 0

    def _release_save(self) -> int:
        self._check_owned()
        depth, self._depth = self._depth, 0
        self._give_back()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        self.acquire()
        self._depth = depth

    def _at_fork_reinit(self) -> None:
        self._permits = Permits(1)
        self._owner = None
        self._depth = 0

    def _check_owned(self) -> None:
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")

    def _give_back(self) -> None:
        self._owner = None
        self._permits.give(1, most=1)
