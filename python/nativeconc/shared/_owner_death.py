# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Who died and left a shared lock in doubt. Called by the native core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nativeconc.errors import OwnerDiedError

__all__ = ["DeadOwner", "error", "make"]


@dataclass(frozen=True)
class DeadOwner:
    """The thread that had a shared lock when it ended."""

    pid: int | None
    """Its process. None: not known any more."""
    thread: int | None
    """Its native id (`threading.get_native_id`)."""
    found: float
    """When another thread found it dead, in seconds since the epoch (`time.time`)."""


def make(pid: int, thread: int, found: float) -> DeadOwner:
    return DeadOwner(pid or None, thread or None, found)


def error(lock: Any, dead: DeadOwner) -> OwnerDiedError:
    who = "its owner" if dead.pid is None else f"thread {dead.thread} of process {dead.pid}"
    made = OwnerDiedError(
        f"{lock!r} is in doubt: {who} ended while it had the lock, and may have left half-done "
        "what the lock protects; `with lock.recover()` repairs it"
    )
    made.pid, made.thread, made.found = dead.pid, dead.thread, dead.found
    return made
