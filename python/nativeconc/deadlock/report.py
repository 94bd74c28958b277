# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The report of a deadlock."""

from __future__ import annotations

from dataclasses import dataclass

from nativeconc.deadlock._text import RECORD_SITES, indented, origins, paragraphs, place
from nativeconc.deadlock.party import Party

__all__ = ["Report"]

_MOST_NAMES = 5


@dataclass(frozen=True)
class Report:
    """A deadlock: who waits for what, and who holds it. ``str(report)`` is the text for people.

    Attributes:
        kind: ``"cycle"``: each party waits for a lock that the next one holds, and the last for one
            that the first holds. ``"exited"``: the first waits for a lock of the second, which has
            ended. ``"lost"``: the same, and the second belongs to the process that this one was
            forked from. ``"upgrade"``: the only party wants to write what it reads itself.
        certain: Whether nobody can resolve it from outside: each lock can be released by its owner
            alone (so there is no plain `Lock` among them), or its owner was lost in a fork.
        parties: The threads, in the order in which they wait for each other. Empty if something
            went wrong while the report was made, such as a lack of memory.
        raised_in: The `ident` of the thread that gets :class:`nativeconc.DeadlockError`, or None.
        raised_pid: The process of that thread, where its :class:`Party` has a `pid`; else None.
    """

    kind: str
    certain: bool
    parties: tuple[Party, ...]
    raised_in: int | None
    raised_pid: int | None = None

    @property
    def summary(self) -> str:
        """What happened, in one line."""
        if not self.parties:
            return f"deadlock ({self.kind}); no report of it could be made"
        first = self.parties[0]
        wants = None if first.wants is None else first.wants.brief
        if self.kind == "upgrade":
            return f"deadlock: {first.thread} wants to write {wants}, which it reads itself"
        if self.kind == "exited":
            owner = self.parties[1].thread
            return f"deadlock: {first.thread} waits for {wants}; its owner {owner} has ended"
        if self.kind == "lost":
            owner = self.parties[1].thread
            return (
                f"deadlock: {first.thread} waits for {wants}; its owner {owner} was lost in a fork"
            )
        names = [party.thread.removeprefix("thread ") for party in self.parties]
        if len(names) > _MOST_NAMES:
            names[_MOST_NAMES:] = [f"and {len(names) - _MOST_NAMES} more"]
        count = f"{len(self.parties)} threads"
        processes = {party.pid for party in self.parties}
        if len(processes) > 1:
            count += f" of {len(processes)} processes"
        if len(self.parties) == 1:
            return f"deadlock: {first.thread} waits for {wants}, which it holds itself"
        return f"deadlock: {count} wait for each other: {', '.join(names)}"

    def __str__(self) -> str:
        holders = (*self.parties[1:], *self.parties[:1])
        blocks = [
            "\n".join(self._party_lines(party, holder))
            for party, holder in zip(self.parties, holders, strict=True)
        ]
        locks = (party.wants for party in self.parties if party.wants is not None)
        return paragraphs(self.summary, *blocks, origins(locks), self._closing())

    def _party_lines(self, party: Party, holder: Party) -> list[str]:
        lines = [f"{party}{_FATES[party.fate]}"]
        if party.wants is not None:
            lines += indented(1, self._waiting(party, holder))
            lines += indented(2, *place("at", party.stack, "where it waits is not known"))
        if party.holds is not None:
            verb = "holds" if party.fate == "waiting" else "held"
            lines += indented(1, f"{verb} {party.holds}{_how(party.holds_mode)}")
            if party.took is not None:
                lines += indented(2, *place("taken at", (party.took,), ""))
        return lines

    def _waiting(self, party: Party, holder: Party) -> str:
        what = f"waits for {party.wants}{_how(party.wants_mode)}"
        if holder is party:
            return f"{what}, held by itself"
        held = f"{what}, held by {holder.thread}"
        if holder.fate == "exited":
            held += ", which has ended"
        held += _how(holder.holds_mode)
        if party.wants_mode == holder.holds_mode == "read":
            held += " (a writer waits, and readers that come later let it go first)"
        return held

    def _closing(self) -> str:
        sentences = []
        if self.kind == "upgrade":
            sentences.append(
                "Give the read back before writing; or write from the start, and downgrade()."
            )
        if self.kind == "exited":
            sentences.append("It never gave the lock back. `with lock:` does so whatever happens.")
        if self.kind == "lost":
            sentences.append(
                "It held the lock when the process forked, so in the child nobody can release it. "
                "Fork before you start threads, or use spawn or forkserver."
            )
        victim = (self.raised_in, self.raised_pid)
        victims = [party.thread for party in self.parties if (party.ident, party.pid) == victim]
        if victims and self.kind == "cycle":
            sentences.append(
                f"DeadlockError is raised in {victims[0]}. "
                "When it gives back what it holds, the others go on."
            )
        # What threads of other processes took where is not on record.
        here = [party for party in self.parties if party.pid is None]
        if any(party.holds is not None and party.took is None for party in here):
            sentences.append(RECORD_SITES)
        return "\n".join(sentences)


_FATES = {
    "waiting": "",
    "exited": " has ended",
    "lost": " belongs to the process that this one was forked from",
}


def _how(mode: str) -> str:
    return "" if mode == "lock" else f" to {mode}"
