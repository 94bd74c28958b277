# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""One lock that a thread holds."""

from __future__ import annotations

from dataclasses import dataclass

from nativeconc.deadlock.label import LockLabel
from nativeconc.deadlock.party import thread_text
from nativeconc.deadlock.site import Site

__all__ = ["Hold"]


@dataclass(frozen=True)
class Hold:
    """One lock that a thread holds at this moment.

    Attributes:
        ident: :func:`threading.get_ident` of the thread.
        name: Its name, or None if that is not known.
        lock: The lock itself.
        label: What a report calls the lock.
        mode: How it is held: ``"lock"``, ``"read"`` or ``"write"``.
        took: Where it was taken, if that is known (``enable(stacks=True)``).
    """

    ident: int
    name: str | None
    lock: object
    label: LockLabel
    mode: str
    took: Site | None

    def __str__(self) -> str:
        how = "" if self.mode == "lock" else f" to {self.mode}"
        where = "" if self.took is None else f", taken at {self.took}"
        return f"{thread_text(self.ident, self.name)} holds {self.label}{how}{where}"
