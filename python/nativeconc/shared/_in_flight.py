# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Handles that were pickled and have not arrived yet, and what this process keeps for them.

A pickle carries no descriptor: the receiver opens the sender's. So whoever pickles a buffer keeps it
until the handle has arrived, which the receiver notes in the segment itself. What never arrives (a
pickle that is thrown away) is dropped when there are too many others.

Entries are looked through whenever another handle leaves or arrives, and by `shared.sweep()`.
"""

from __future__ import annotations

import itertools
import os
import resource
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from nativeconc._own_lock import OwnLock

if TYPE_CHECKING:
    from nativeconc._core import Buffer

__all__ = ["InFlight", "in_flight", "limit", "reap", "remember"]

_MAX_BLOCKS = 65536
"""Small buffers share descriptors: far more of them may be on their way."""

_lock = OwnLock()


class InFlight(NamedTuple):
    """What is on its way from this process, or to it."""

    handles: int
    """Buffers and arrays that were pickled here and not yet unpickled anywhere."""
    descriptors: int
    """Open files that are kept for them, and for what children have sent to this process."""
    limit: int
    """So many handles of big buffers at most; the oldest are dropped."""


class _Entry(NamedTuple):
    buffer: Buffer
    flights: set[int]

    def has_arrived(self) -> bool:
        return all(self.buffer._arrived(flight) for flight in self.flights)


_Key = tuple[bytes, int]
_big: OrderedDict[_Key, _Entry] = OrderedDict()
_small: OrderedDict[_Key, _Entry] = OrderedDict()


def limit() -> int:
    """A quarter of the descriptors that this process may have: the rest is for its work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1024 if soft == resource.RLIM_INFINITY else max(8, min(soft // 4, 1024))


def remember(buffer: Buffer, segment: bytes, block: int, flight: int, *, is_small: bool) -> None:
    """Keep a buffer until its handle has arrived."""
    entries, most = (_small, _MAX_BLOCKS) if is_small else (_big, limit())
    with _lock():
        entry = entries.setdefault((segment, block), _Entry(buffer, set()))
        entry.flights.add(flight)
        entries.move_to_end((segment, block))
        while len(entries) > most:
            entries.popitem(last=False)


def reap(most: int | None = None) -> bool:
    """Let go of what has arrived: all of it, or of the small ones as far as `most` of them show.

    True if there was any. Small ones that are still on their way are looked at in turn.
    """
    gone = []
    with _lock():
        for entries, looked_at in ((_big, None), (_small, most)):
            for key in list(itertools.islice(entries, looked_at)):
                if entries[key].has_arrived():
                    gone.append(entries.pop(key))
                elif looked_at is not None:
                    entries.move_to_end(key)
    return bool(gone)


def in_flight() -> InFlight:
    """Count the handles that are on their way, and the descriptors kept for them.

    Never blocks. A child starts with none.
    """
    from nativeconc.shared import _mailbox

    reap()
    _mailbox.reap()
    with _lock():
        handles = len(_big) + len(_small)
        files = {segment for segment, _ in (*_big, *_small)}
    return InFlight(handles, len(files) + _mailbox.waiting(), limit())


def _forget() -> None:
    _big.clear()
    _small.clear()


os.register_at_fork(after_in_child=_forget)
