# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""`nativeconc shm`: what shared memory there is, in words for people and as JSON.

How a terminal shows it is the command line's business (`nativeconc.cli`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import NamedTuple

from nativeconc.shared.segments import Segment, segments, sweep

__all__ = ["NOBODY", "Row", "found", "rows", "sweep_lines", "to_json"]

NOBODY = "nobody: the next sweep removes it"
_SHOWN_HOLDERS = 3
_SHOWN_COMMAND = 60  # characters


class Row(NamedTuple):
    """A line of `nativeconc shm list`."""

    name: str
    kind: str
    size: str
    age: str
    holders: str
    """A line for each."""


def found() -> list[Segment]:
    """All shared memory that this process can see, without this process among its holders."""
    self = os.getpid()
    return [
        replace(segment, holders=tuple(h for h in segment.holders if h.pid != self))
        for segment in segments()
    ]


def rows(described: Iterable[Segment]) -> list[Row]:
    """The table of `nativeconc shm list`."""
    return [
        Row(
            "anonymous" if segment.name is None else _printable(segment.name),
            segment.primitive or segment.kind,
            _spoken_size(segment.size),
            _spoken_age(segment.age),
            _spoken_holders(segment),
        )
        for segment in described
    ]


def to_json(described: Iterable[Segment]) -> str:
    """The same for programs: a list of objects with the fields of `shared.Segment`."""
    return json.dumps([asdict(segment) for segment in described], indent=2)


def sweep_lines() -> list[str]:
    """Sweep, and say what was removed: a line for each name, and how many they were."""
    removed = sweep()
    count = f"{len(removed)} name{'' if len(removed) == 1 else 's'}"
    return [*(f"removed {_printable(name)}" for name in removed), f"{count} removed"]


def _spoken_holders(segment: Segment) -> str:
    if not segment.holders:
        return NOBODY
    lines = [f"{holder.pid} {_shortened(holder.command)}".rstrip() for holder in segment.holders]
    return "\n".join(_few(lines) + _few(_spoken_uses(segment)))


def _spoken_uses(segment: Segment) -> list[str]:
    """Who has a lock, and who waits for it."""
    doubt = ["in doubt: its owner died"] if segment.in_doubt else []
    return doubt + [f"{use.what}: thread {use.thread} of process {use.pid}" for use in segment.uses]


def _few(lines: list[str]) -> list[str]:
    rest = len(lines) - _SHOWN_HOLDERS
    if rest > 1:  # in place of one more line its holder can as well be shown
        lines[_SHOWN_HOLDERS:] = [f"and {rest} others"]
    return lines


def _shortened(command: str) -> str:
    text = _printable(command)
    return text if len(text) <= _SHOWN_COMMAND else text[: _SHOWN_COMMAND - 3] + "..."


def _printable(text: str) -> str:
    """Others chose these characters: none of them may drive the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _spoken_size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1023.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} TiB"


def _spoken_age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
