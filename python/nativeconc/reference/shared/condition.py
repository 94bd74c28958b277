# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pure-Python twin of `nativeconc.shared.Condition`."""

from __future__ import annotations

from typing import Any

from nativeconc import reference
from nativeconc.reference.shared.names import Meeting
from nativeconc.reference.shared.rlock import RLock
from nativeconc.reference.timeouts import Seconds

__all__ = ["Condition"]


class Condition(Meeting, reference.Condition):
    """Threads wait until another notifies them.

    Args:
        lock: the lock that goes with it; None makes an `RLock`.
        name: what it is met by.
    """

    def __init__(self, lock: Any = None, *, name: str | None = None) -> None:  # noqa: ARG002
        if self._is_first():
            super().__init__(RLock() if lock is None else lock)

    def recover(self, timeout: Seconds | None = None) -> Any:
        """Return a context manager that takes the lock in any state: its own `recover`."""
        return self._lock.recover(timeout)
