# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""How a `shared.Queue` gets to another process."""

from __future__ import annotations

import errno
import os
from multiprocessing import reduction
from typing import Any

from nativeconc import _core
from nativeconc._shut_down import ShutDown

__all__ = ["ShutDown", "over_named", "reduce_queue", "restore_queue"]


def reduce_queue(queue: _core.SharedQueue) -> tuple[Any, ...]:
    """What pickle writes for a queue: its memory, and the ends of its mail."""
    ends = queue._mail
    mail: tuple[Any, ...] | None
    if ends is None:
        mail = None
    elif _core.is_putting():
        places = [_core.put_file(b"", end) for end in ends]
        if min(places) < 0:
            raise OSError(errno.EMFILE, "a message cannot take so many files along")
        mail = tuple(places)
    else:
        mail = tuple(reduction.DupFd(end) for end in ends)
    state = getattr(queue, "__dict__", None)  # subclasses have one
    return restore_queue, (type(queue), queue._buffer, mail), state


def restore_queue(
    cls: type[_core.SharedQueue], buffer: _core.Buffer, mail: tuple[Any, Any] | None
) -> _core.SharedQueue:
    """The queue that a handle means.

    Raises:
        FileNotFoundError: It has gone before it arrived.
    """
    if mail is None:
        return cls._over(buffer, -1, -1)
    ends = [_take_from_message(end) if isinstance(end, int) else end.detach() for end in mail]
    return cls._over(buffer, *ends)


def _take_from_message(place: int) -> int:
    fd = _core.message_file(place)
    if fd < 0:
        raise FileNotFoundError(errno.ENOENT, "the queue can only be read with its message")
    return os.dup(fd)


def over_named(buffer: _core.Buffer) -> _core.SharedQueue:
    """The queue that lies in a named buffer."""
    return _core.SharedQueue._over(buffer, -1, -1)
