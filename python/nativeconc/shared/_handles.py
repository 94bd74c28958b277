# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pickling shared memory: a handle says where it is, and the receiver opens it there.

Named memory is opened by its name. Anonymous memory is opened through ``/proc`` as its sender has
it open, or comes from the mail of a child (see `_mailbox`), or with the message of a
`shared.Queue`. A process that has the segment mapped
already takes that.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NamedTuple

from nativeconc import _core
from nativeconc.errors import SegmentError
from nativeconc.shared import _in_flight, _mailbox

__all__ = [
    "let_go_of_all_arrivals",
    "let_go_of_arrivals",
    "reduce_buffer",
    "restore_buffer",
    "restore_from_message",
]

_FEW = 8
"""Small entries that are looked through for each handle that is sent; the big ones all are."""


class _Sender(NamedTuple):
    pid: int
    start_time: int
    pid_namespace: int
    fd: int


def reduce_buffer(buffer: _core.Buffer) -> tuple[Any, ...]:
    """What pickle writes for a buffer. It stays good until it has arrived, while we live.

    Raises:
        OSError: Too many others are on their way.
    """
    if _core.is_putting():
        reduced = _reduce_into_message(buffer)
        if reduced is not None:
            return reduced
    if _in_flight.reap(_FEW):
        _mailbox.tidy()
    # While there is a view another thread may close the buffer, but not end its memory.
    with memoryview(buffer):
        segment, block, generation, flight, size, fd, name, readonly, is_small = buffer._send()
        try:
            # One that is ours alone: whoever closes theirs does not take away what is on its way.
            kept = _core.receive_known(segment, block, generation, -1, size, readonly)
            _in_flight.remember(kept, segment, block, flight, is_small=is_small)
        except BaseException:
            buffer._recall(flight)
            raise
        _mailbox.post(segment, block, flight, fd)
    handle = (segment, block, generation, flight, size, readonly)
    return restore_buffer, (handle, name, tuple(_Sender(*_core.this_process(), fd)))


def _reduce_into_message(buffer: _core.Buffer) -> tuple[Any, ...] | None:
    """The same for a message of a `shared.Queue`, which takes the open file along.

    A file of its own needs nothing else. A block of an arena must not be given out again before it
    is received: while we live, because we keep it; afterwards because what says so is a lock on the
    open file that is on its way (cpp/nativeconc/shared/block_holds.hpp), or because nobody gives
    out blocks of an arena whose maker is dead.
    """
    with memoryview(buffer):
        segment, block, generation, flight, size, fd, name, readonly, is_small = buffer._send()
        try:
            place = _core.put_file(segment, fd)
            if place >= 0 and is_small:
                _in_flight.reap(_FEW)
                kept = _core.receive_known(segment, block, generation, -1, size, readonly)
                _in_flight.remember(kept, segment, block, flight, is_small=True)
                _core.put_flight(buffer, flight)
        except BaseException:
            buffer._recall(flight)
            raise
        if place < 0 or not is_small:
            buffer._recall(flight)
            flight = -1
    if place < 0:
        return None
    return restore_from_message, ((segment, block, generation, flight, size, readonly), name, place)


def restore_from_message(
    handle: tuple[bytes, int, int, int, int, bool], name: str | None, place: int
) -> _core.Buffer:
    """The buffer that came with a message of a queue.

    Raises:
        FileNotFoundError: It is unpickled elsewhere than in a `get`.
    """
    if name is None:
        known = _core.receive_known(*handle)
        if known is not None:
            return known
    fd = _core.message_file(place)
    if fd < 0:
        raise FileNotFoundError(
            errno.ENOENT,
            "the shared memory of this handle is gone: it came with a message of a queue, and can "
            "only be unpickled with it",
        )
    if name is not None:
        return _core.receive_named(*handle, name)
    return _core.receive_file(*handle, fd)


def restore_buffer(
    handle: tuple[bytes, int, int, int, int, bool],
    name: str | None,
    sender: tuple[int, int, int, int],
) -> _core.Buffer:
    """The buffer that a handle means.

    Raises:
        FileNotFoundError: Its sender has ended, or let go of it, before it arrived.
        SegmentError: It comes from another pid namespace.
    """
    known = None if name is not None else _core.receive_known(*handle)
    segment, block, _, flight, *_ = handle
    if known is not None:
        _mailbox.forget(segment, block, flight)
        return known
    # While it is open here a named segment cannot go either.
    mailed = _mailbox.take(segment, block, flight)
    try:
        if name is not None:
            return _core.receive_named(*handle, name)
        if mailed is not None:
            return _core.receive_file(*handle, mailed)
    finally:
        if mailed is not None:
            os.close(mailed)
    return _receive_from(handle, _Sender(*sender))


def let_go_of_arrivals() -> None:
    """Keep nothing for handles that have arrived; mail is looked at now and then."""
    _in_flight.reap()
    _mailbox.reap_if_due()


def let_go_of_all_arrivals() -> None:
    """Keep nothing for handles that have arrived."""
    _in_flight.reap()
    _mailbox.reap()


def _receive_from(handle: tuple[bytes, int, int, int, int, bool], sender: _Sender) -> _core.Buffer:
    if sender.pid_namespace != _core.this_process()[2]:
        raise SegmentError(
            errno.EINVAL, "shared memory cannot come from a process of another pid namespace"
        )
    gone = FileNotFoundError(
        errno.ENOENT,
        f"the shared memory of this handle is gone: its sender (process {sender.pid}) has ended, "
        "or let go of it; a sender must live until its handles are unpickled",
    )
    path = Path(f"/proc/{sender.pid}/fd/{sender.fd}")
    try:
        is_there = _core.is_alive(*sender[:3])
        if not is_there or not str(path.readlink()).startswith("/memfd:nativeconc"):
            raise gone
        fd = os.open(path, (os.O_RDONLY if handle[-1] else os.O_RDWR) | os.O_CLOEXEC)
    except FileNotFoundError:
        raise gone from None
    try:
        return _core.receive_file(*handle, fd)
    finally:
        os.close(fd)
