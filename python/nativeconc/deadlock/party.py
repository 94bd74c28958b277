# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""One thread of a deadlock."""

from __future__ import annotations

from dataclasses import dataclass

from nativeconc.deadlock.label import LockLabel
from nativeconc.deadlock.site import Site

__all__ = ["Party"]


@dataclass(frozen=True)
class Party:
    """One thread of a deadlock: what it waits for and where, and what it holds.

    Attributes:
        ident: :func:`threading.get_ident` of the thread.
        name: Its name, or None if that is not known.
        fate: ``"waiting"``; ``"exited"`` (it has ended); ``"lost"`` (it belongs to the process that
            this one was forked from).
        wants: The lock that it waits for; None unless it is waiting.
        wants_mode: How it wants it: ``"lock"``, ``"read"`` or ``"write"``.
        holds: The lock that the party before it waits for; None if that one waits for nothing.
        holds_mode: How it holds it: ``"lock"``, ``"read"`` or ``"write"``.
        took: Where it took what it holds, if that is known (``enable(stacks=True)``).
        stack: Where it waits: the calls that led there, outermost first. Empty if not known. Of a
            thread of another process, the innermost call alone.
        pid: In a deadlock between processes, or one over locks that processes share, the process of
            the thread; else None.
        process: What that process is called: the name that :mod:`multiprocessing` gave it, or else
            that of its script. None if that is not known.
    """

    ident: int
    name: str | None
    fate: str
    wants: LockLabel | None
    wants_mode: str
    holds: LockLabel | None
    holds_mode: str
    took: Site | None
    stack: tuple[Site, ...]
    pid: int | None = None
    process: str | None = None

    def __str__(self) -> str:
        text = f"{thread_text(self.ident, self.name)}{self._of_process}"
        return text if self.process is None else f"{text} ({self.process})"

    @property
    def thread(self) -> str:
        """What a sentence calls the thread: ``thread 'worker'``."""
        name = f"thread {self.ident}" if self.name is None else f"thread {self.name!r}"
        return f"{name}{self._of_process}"

    @property
    def _of_process(self) -> str:
        return "" if self.pid is None else f" of process {self.pid}"

    @property
    def where(self) -> Site | None:
        """The line in which it waits, if that is known."""
        return self.stack[-1] if self.stack else None


def thread_text(ident: int, name: str | None) -> str:
    """A thread with all that identifies it: ``thread 'worker' (id 1234)``."""
    return f"thread {ident}" if name is None else f"thread {name!r} (id {ident})"
