# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Makes reports of what the core found."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nativeconc import _core
from nativeconc.deadlock._stacks import stacks_now, thread_name
from nativeconc.deadlock.label import LockLabel, number_labels
from nativeconc.deadlock.order_report import OrderEdge, OrderReport
from nativeconc.deadlock.party import Party
from nativeconc.deadlock.report import Report
from nativeconc.deadlock.site import Site

__all__ = [
    "RawEdge",
    "RawLabel",
    "RawParty",
    "RawSharedParty",
    "RawSite",
    "label_of",
    "order_report",
    "report",
    "shared_report",
]

# As the core gives them; see _core.pyi.
RawSite = tuple[str, int, str]
RawParty = tuple[int, str | None, str, object | None, str, str, RawSite | None]
# pid, tid, ident, process, thread; kind, name and number of the lock, whether it is shared; modes;
# where the thread waits.
RawSharedParty = tuple[
    *tuple[int, int, int, str | None, str | None],
    *tuple[str, str | None, int, bool],
    *tuple[str, str, RawSite | None],
]
RawLabel = tuple[str, str | None, RawSite | None]
RawEdge = tuple[RawLabel, RawLabel, int, str | None, Sequence[RawSite]]


def report(
    kind: str, certain: bool, parties: Sequence[RawParty], raised_in: int | None = None
) -> Report:
    """The report of a deadlock; says where each thread is at this moment."""
    stacks = stacks_now([raw[0] for raw in parties])
    wanted = _labels([wants for _, _, _, wants, _, _, _ in parties])
    # The first party holds what the last one waits for.
    held = [*wanted[-1:], *wanted[:-1]]
    made = []
    for raw, wants, holds in zip(parties, wanted, held, strict=True):
        ident, name, fate, _, wants_mode, holds_mode, took = raw
        waits = fate == "waiting"
        made.append(
            Party(
                ident=ident,
                name=thread_name(ident, name, is_alive=waits),
                fate=fate,
                wants=wants,
                wants_mode=wants_mode,
                holds=holds,
                holds_mode=holds_mode,
                took=site_of(took),
                stack=stacks[ident] if waits else (),
            )
        )
    return Report(kind=kind, certain=certain, parties=tuple(made), raised_in=raised_in)


def shared_report(
    certain: bool, parties: Sequence[RawSharedParty], raised_in: int | None = None
) -> Report:
    """The report of a deadlock between processes, each of which has told what there is to say."""
    here = os.getpid()
    stacks = stacks_now([ident for pid, _, ident, *_ in parties if pid == here])
    wanted = _shared_labels(parties)
    held = [*wanted[-1:], *wanted[:-1]]
    made = []
    for raw, wants, holds in zip(parties, wanted, held, strict=True):
        pid, tid, ident, process, name, _, _, _, _, wants_mode, holds_mode, place = raw
        told = () if place is None else (Site(*place),)
        is_here = pid == here
        made.append(
            Party(
                ident=ident or tid,
                name=thread_name(ident, name, is_alive=is_here),
                fate="waiting",
                wants=wants,
                wants_mode=wants_mode,
                holds=holds,
                holds_mode=holds_mode,
                took=None,
                stack=(stacks.get(ident) or told) if is_here else told,
                pid=pid,
                process=process,
            )
        )
    return Report(
        kind="cycle",
        certain=certain,
        parties=tuple(made),
        raised_in=raised_in,
        raised_pid=None if raised_in is None else here,
    )


def order_report(edges: Sequence[RawEdge]) -> OrderReport:
    """The report of a lock order that can deadlock."""
    # A circle: each edge wants what the next one held. So the locks are those that were held.
    labels = number_labels([_label(*held) for held, _, _, _, _ in edges])
    made = []
    for i, (_, _, ident, name, stack) in enumerate(edges):
        made.append(
            OrderEdge(
                held=labels[i],
                wanted=labels[(i + 1) % len(labels)],
                ident=ident,
                name=thread_name(ident, name, is_alive=i == 0),
                stack=tuple(Site(*site) for site in stack),
            )
        )
    return OrderReport(tuple(made))


def label_of(lock: object) -> LockLabel:
    """What a report calls this lock."""
    try:
        name = getattr(lock, "name", None)
    except Exception:  # a subclass may do what it likes
        name = None
    name = name if isinstance(name, str) else None
    return _label(type(lock).__name__, name, _core.creation_site(lock))


def site_of(raw: RawSite | None) -> Site | None:
    """A place as the core gives it."""
    return None if raw is None else Site(*raw)


def _label(kind: str, name: str | None, created: RawSite | None) -> LockLabel:
    # The core writes "nativeconc.RLock", and "nativeconc.RLock at 0x..." for one among many.
    plain = kind.partition(" at ")[0].rpartition(".")[2]
    return LockLabel(plain, name, site_of(created), number=0)


def _labels(locks: Sequence[object | None]) -> list[LockLabel | None]:
    """A label for each lock; the same one for the same lock, different ones for different locks."""
    different: dict[int, object] = {id(lock): lock for lock in locks if lock is not None}
    numbered = number_labels([label_of(lock) for lock in different.values()])
    by_id = dict(zip(different, numbered, strict=True))
    return [None if lock is None else by_id[id(lock)] for lock in locks]


def _shared_labels(parties: Sequence[RawSharedParty]) -> list[LockLabel]:
    """A label for what each party wants. Locks of one process are known by their numbers in it."""
    keys = []
    different: dict[tuple[int, int], LockLabel] = {}
    for pid, _, _, _, _, kind, name, number, is_shared, *_ in parties:
        key = (0 if is_shared else pid, number)
        keys.append(key)
        called = f"shared.{kind}" if is_shared else kind
        different[key] = LockLabel(called, name, created=None, number=0)
    numbered = dict(zip(different, number_labels(list(different.values())), strict=True))
    return [numbered[key] for key in keys]
