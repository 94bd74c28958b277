# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The package's own locks, which must not be ours: reports come out of those."""

from __future__ import annotations

import _thread
import os


class OwnLock:
    """A reentrant lock that no forked child finds held: ``with own_lock():``.

    Reentrant, because a signal handler may come in between. A child gets a new one, since a thread
    that it does not have may hold the old one; who is inside while it forks leaves the old one.
    """

    def __init__(self) -> None:
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def __call__(self) -> _thread.RLock:
        """The lock of this process."""
        return self._lock

    def _renew(self) -> None:
        self._lock = _thread.RLock()
