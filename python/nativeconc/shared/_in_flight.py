# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Handles that were pickled and have not arrived yet, and what this process keeps for them.

A pickle carries no descriptor: the receiver opens the sender's. So whoever pickles a buffer keeps
it until the handle has arrived, which the receiver notes in the segment itself.

Entries are looked through when another handle leaves, when new memory is created that no arena
has, and by `shared.sweep()`. Where there are too many, what was pickled long ago is taken for
thrown away; what is recent is wanted, and then the next pickle is refused.
"""

from __future__ import annotations

import errno
import itertools
import os
import resource
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from nativeconc._own_lock import OwnLock

if TYPE_CHECKING:
    from nativeconc._core import Buffer

__all__ = ["OLD_S", "InFlight", "forget", "in_flight", "limit", "reap", "remember"]

_MAX_BLOCKS = 65536
"""Small buffers share descriptors: far more of them may be on their way."""

_UNKNOWN = -1
"""A handle of which nobody can tell when it arrives: there are too many of the same."""

_lock = OwnLock()


OLD_S = 30.0
"""What has been on its way for so long may be dropped where there is no room."""


class InFlight(NamedTuple):
    """What is on its way from this process, or to it."""

    handles: int
    """Buffers and arrays that were pickled here and not yet unpickled anywhere."""
    from_children: int
    """Segments that children have sent to this process, and that nobody has unpickled yet."""
    descriptors: int
    """Open files that are kept for both."""
    limit: int
    """The most that `descriptors` may be for each."""


class _Entry:
    """One buffer, and the numbers of its handles."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.flights: set[int] = set()
        self.since = 0.0

    def add(self, flight: int) -> None:
        self.flights.add(flight)
        self.since = time.monotonic()

    def has_arrived(self) -> bool:
        # One by one: a signal handler may add another in between.
        for flight in tuple(self.flights):
            if flight == _UNKNOWN:
                is_over = time.monotonic() - self.since >= OLD_S
            else:
                is_over = self.buffer._arrived(flight)
            if is_over:
                self.flights.discard(flight)
        return not self.flights

    def give_up(self) -> None:
        """Free the lanes of the handles; none of them arrives."""
        for flight in tuple(self.flights):
            self.buffer._recall(flight)


_Key = tuple[bytes, int]
_big: OrderedDict[_Key, _Entry] = OrderedDict()
_small: OrderedDict[_Key, _Entry] = OrderedDict()


def limit() -> int:
    """Half of the descriptors that this process may have: the rest is for its work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4096 if soft == resource.RLIM_INFINITY else max(8, min(soft // 2, 4096))


def remember(
    buffer: Buffer | None, segment: bytes, block: int, flight: int, *, is_small: bool
) -> None:
    """Keep a buffer until its handle has arrived.

    Raises:
        OSError: Too many others are on their way.
    """
    if buffer is None:  # it was closed while there was a view of it, which cannot be
        raise ValueError("the buffer is closed")
    entries, most = (_small, _MAX_BLOCKS) if is_small else (_big, limit())
    key = segment, block
    with _lock():
        if key not in entries and len(entries) >= most:
            _make_room(entries, most)
        entries.setdefault(key, _Entry(buffer)).add(flight)
        entries.move_to_end(key)


def _make_room(entries: OrderedDict[_Key, _Entry], most: int) -> None:
    reap()
    dropped = []
    for key in _first_keys(entries, max(0, len(entries) - most + 1)):
        entry = entries.get(key)
        if entry is None:
            continue
        if time.monotonic() - entry.since < OLD_S:
            raise OSError(
                errno.EMFILE,
                f"{most} handles of shared memory are on their way and not yet unpickled: each "
                "needs an open file here until then (ulimit -n)",
            )
        entries.pop(key, None)
        dropped.append(entry)
    for entry in dropped:
        entry.give_up()


def reap(most: int | None = None) -> bool:
    """Let go of what has arrived: all of it, or of the small ones as far as `most` of them show.

    True if there was any. Small ones that are still on their way are looked at in turn. A signal
    handler, or the end of some object, may come in between and do the same.
    """
    gone = []  # they end after the lock is free
    with _lock():
        for entries, looked_at in ((_big, None), (_small, most)):
            for key in _first_keys(entries, looked_at):
                entry = entries.get(key)
                if entry is None:
                    continue
                if entry.has_arrived():
                    gone.append(entries.pop(key, None))
                elif looked_at is not None and key in entries:
                    entries.move_to_end(key)
    return bool(gone)


def _first_keys(entries: OrderedDict[_Key, _Entry], most: int | None) -> tuple[_Key, ...]:
    while True:
        try:
            return tuple(itertools.islice(entries, most))
        except RuntimeError:  # a signal handler changed them, between one call and the other
            continue


def in_flight() -> InFlight:
    """Count the handles that are on their way, and the descriptors kept for them.

    Never blocks. A forked child starts with none.
    """
    from nativeconc.shared import _mailbox

    reap()
    _mailbox.reap()
    with _lock():
        handles = len(_big) + len(_small)
        files = {segment for segment, _ in (*_big, *_small)}
    mailed = _mailbox.waiting()
    return InFlight(handles, mailed, len(files) + mailed, limit())


def forget() -> None:
    """Let go of all: what has not arrived never will."""
    with _lock():
        dropped = [*_big.values(), *_small.values()]
        _start_anew()
    for entry in dropped:
        entry.give_up()


def _start_anew() -> None:
    _big.clear()
    _small.clear()


# What the parent has sent is the parent's business.
os.register_at_fork(after_in_child=_start_anew)
