# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.Lock`."""

from __future__ import annotations

from nativeconc import reference
from nativeconc.errors import DeadlockError
from nativeconc.reference.shared.names import Meeting
from nativeconc.reference.shared.recovery import OwnerDeath, Recoverable
from nativeconc.reference.thread_id import ThreadId, this_thread
from nativeconc.reference.timeouts import Seconds

__all__ = ["Lock"]


class Lock(Meeting, Recoverable, reference.Lock):
    """A lock that only the thread which took it can release.

    Args:
        name: what it is met by.
        on_owner_death: of no effect.
    """

    def __init__(self, *, name: str | None = None, on_owner_death: OwnerDeath = "raise") -> None:
        if self._is_first():
            super().__init__(name=name)
            self._set_owner_death(on_owner_death)
            self._thread: ThreadId | None = None

    def acquire(self, blocking: bool = True, timeout: Seconds = -1) -> bool:
        """Take the lock, waiting until it is free. Returns whether it was taken.

        Raises:
            DeadlockError: This thread has it already, and would wait for ever.
        """
        if self._is_owned() and blocking and timeout == -1:
            raise DeadlockError(f"{self!r} is held by this thread, which would wait for itself")
        taken = super().acquire(blocking, timeout)
        if taken:
            self._thread = this_thread()
        return taken

    def release(self) -> None:
        """Give the lock back.

        Raises:
            RuntimeError: This thread does not have the lock.
        """
        if self.locked() and not self._is_owned():
            raise RuntimeError("cannot release a shared lock that another thread has taken")
        self._thread = None
        super().release()

    def _is_owned(self) -> bool:
        return self._thread is this_thread()
