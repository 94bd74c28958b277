# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.Event`."""

from __future__ import annotations

from nativeconc.reference.condition import Condition
from nativeconc.reference.lock import Lock
from nativeconc.reference.permits import ThreadsOnly
from nativeconc.reference.stats import Stats
from nativeconc.reference.timeouts import Seconds, optional_timeout

__all__ = ["Event"]


class Event(ThreadsOnly):
    """A flag that threads wait for. It is clear at first."""

    def __init__(self) -> None:
        self._cond = Condition(Lock())
        self._flag = False

    def is_set(self) -> bool:
        """Return whether the flag is set."""
        return self._flag

    def isSet(self) -> bool:  # noqa: N802 - threading's
        """Return what `is_set` returns: an old name."""
        return self.is_set()

    def set(self) -> None:
        """Set the flag and wake everybody who waits for it."""
        with self._cond:
            self._flag = True
            self._cond.notify_all()

    def clear(self) -> None:
        """Clear the flag."""
        with self._cond:
            self._flag = False

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Wait until the flag is set.

        A thread that waits when the flag is set gets through even if it is cleared again at once.

        Args:
            timeout: seconds to wait at most; None waits for ever, a negative number not at all.

        Returns:
            True, or False if the time was up first.

        Raises:
            ValueError: The timeout is NaN.
            OverflowError: The timeout is more than `threading.TIMEOUT_MAX`.
        """
        seconds = optional_timeout(timeout)
        with self._cond:
            return self._flag or self._cond.wait(seconds)

    def stats(self) -> Stats:
        """Return how often and how long threads waited for the flag. An event has no owner."""
        return self._cond.stats()._replace(owner=None)

    def __repr__(self) -> str:
        state = "set" if self._flag else "unset"
        return f"<reference.{type(self).__name__} at {id(self):#x}: {state}>"

    def _at_fork_reinit(self) -> None:
        self._cond._at_fork_reinit()
