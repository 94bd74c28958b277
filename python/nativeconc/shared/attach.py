# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`shared.attach`: find by name what another process has created."""

from __future__ import annotations

import errno
from typing import Any, Literal

from nativeconc import _core
from nativeconc.errors import SegmentError
from nativeconc.shared import _primitives, _queue
from nativeconc.shared._kinds import Kind
from nativeconc.shared.array import over_named

__all__ = ["attach"]


def attach(name: str, mode: Literal["r", "r+"] = "r+") -> Any:
    """Open what has a name, as it was created.

    Args:
        name: What the creator called it.
        mode: "r+" to read and write, "r" to read only, which the kernel enforces: for memory alone.

    Returns:
        An `Array` of the creator's shape, dtype and order, a `Buffer` of its size, or the lock,
        queue or other primitive that it is.

    Raises:
        FileNotFoundError: No process holds such a name.
        SegmentError: What has the name is damaged, foreign, of another user, or of another pid
            namespace.
        SharedMemoryFull: No address space is left.
        TypeError: The name is no str.
        ValueError: The name cannot be one, or the mode is unknown, or "r" for what is no memory.

    Does not block. This process holds the name from then on.
    """
    if mode not in ("r", "r+"):
        raise ValueError(f"mode must be 'r' or 'r+', not {mode!r}")
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    buffer, kind = _core.open_segment(name, mode == "r")
    if kind == Kind.BUFFER:
        return buffer
    if kind == Kind.ARRAY:
        return over_named(buffer)
    if kind not in (Kind.PRIMITIVE, Kind.QUEUE):
        raise SegmentError(errno.EINVAL, f"what is named {name!r} is the library's own")
    if mode == "r":
        raise ValueError(f"what is named {name!r} is no memory: only mode='r+' makes sense")
    if kind == Kind.QUEUE:
        return _queue.over_named(buffer)
    return _primitives.over_named(buffer)
