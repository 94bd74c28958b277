# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The report of a lock order that can deadlock."""

from __future__ import annotations

from dataclasses import dataclass

from nativeconc.deadlock._text import indented, origins, paragraphs, place
from nativeconc.deadlock.label import LockLabel
from nativeconc.deadlock.party import thread_text
from nativeconc.deadlock.site import Site

__all__ = ["OrderEdge", "OrderReport"]

_MOST_CALLERS = 6


@dataclass(frozen=True)
class OrderEdge:
    """A thread took one lock while it held another.

    Attributes:
        held: The lock that it held.
        wanted: The lock that it took.
        ident: :func:`threading.get_ident` of the thread.
        name: Its name, or None if that is not known.
        stack: Where it took `wanted`: the calls that led there, outermost first.
    """

    held: LockLabel
    wanted: LockLabel
    ident: int
    name: str | None
    stack: tuple[Site, ...]


@dataclass(frozen=True)
class OrderReport:
    """Locks were taken in orders that can deadlock. ``str(report)`` is the text for people.

    Attributes:
        edges: The first is what a thread was about to do when the report was made; the others, done
            before, lead from the lock that it wanted back to the one that it held. Empty if
            something went wrong while the report was made.
    """

    edges: tuple[OrderEdge, ...]

    @property
    def summary(self) -> str:
        """What happened, in one line."""
        if not self.edges:
            return "lock order that can deadlock; no report of it could be made"
        locks = [self.edges[0].held.brief, *(edge.wanted.brief for edge in self.edges)]
        return f"lock order that can deadlock: {' -> '.join(locks)}"

    def __str__(self) -> str:
        if not self.edges:
            return self.summary
        now, *before = self.edges
        return paragraphs(
            self.summary,
            _block(now, "is about to take", "holds"),
            *(_block(edge, "took", "held") for edge in before),
            origins(edge.held for edge in self.edges),
            "Threads that do these things at the same time wait for each other for ever. Take the "
            "locks in\none order everywhere, or together: with nativeconc.acquire_all(a, b).",
        )


def _block(edge: OrderEdge, takes: str, holds: str) -> str:
    before = "" if holds == "holds" else "before, "
    return "\n".join(
        (
            f"{before}{thread_text(edge.ident, edge.name)}",
            *indented(1, f"{takes} {edge.wanted} while it {holds} {edge.held}"),
            *indented(2, *place("at", edge.stack, "where it took it is not known", _MOST_CALLERS)),
        )
    )
