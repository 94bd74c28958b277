# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""The pure-Python twin of `nativeconc.shared.attach`."""

from __future__ import annotations

from typing import Literal

from nativeconc.reference.buffer import Buffer, find_memory

__all__ = ["attach"]


def attach(name: str, mode: Literal["r", "r+"] = "r+") -> Buffer:
    """Open the memory that has a name.

    Args:
        name: what the creator called it.
        mode: "r+" to read and write, "r" to read only.

    Raises:
        FileNotFoundError: Nobody holds such a name.
        TypeError: The name is no str.
        ValueError: The name cannot be one, or the mode is unknown.
    """
    if mode not in ("r", "r+"):
        raise ValueError(f"mode must be 'r' or 'r+', not {mode!r}")
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    return find_memory(name, readonly=mode == "r")
