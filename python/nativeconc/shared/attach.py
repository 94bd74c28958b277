# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`shared.attach`: find by name what another process has created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nativeconc import _core
from nativeconc.shared.array import Array, over_named

if TYPE_CHECKING:
    from nativeconc._core import Buffer

__all__ = ["attach"]


def attach(name: str, mode: Literal["r", "r+"] = "r+") -> Array | Buffer:
    """Open the shared memory that has a name, as it was created.

    Args:
        name: What the creator called it.
        mode: "r+" to read and write, "r" to read only, which the kernel enforces.

    Returns:
        An `Array` of the creator's shape, dtype and order, or a `Buffer` of its size.

    Raises:
        FileNotFoundError: No process holds such a name.
        SegmentError: What has the name is damaged, foreign, of another user, or of another pid
            namespace.
        SharedMemoryFull: No address space is left.
        TypeError: The name is no str.
        ValueError: The name cannot be one, or the mode is unknown.

    Does not block. This process holds the name from then on.
    """
    if mode not in ("r", "r+"):
        raise ValueError(f"mode must be 'r' or 'r+', not {mode!r}")
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    buffer, is_array = _core.open_segment(name, mode == "r")
    if not is_array:
        return buffer
    return over_named(buffer)
