# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a report calls a lock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from nativeconc.deadlock.site import Site

__all__ = ["LockLabel"]


@dataclass(frozen=True)
class LockLabel:
    """What a report calls a lock: its name, or else a number and where it was made.

    Keeps no lock alive.

    Attributes:
        kind: The name of its class, such as ``"RLock"``.
        name: The `name` that it was given, or None.
        created: Where it was made, if that is known.
        number: 1, 2, ... within one report for locks without a name, and for those whose names are
            the same; else 0.
    """

    kind: str
    name: str | None
    created: Site | None
    number: int

    def __str__(self) -> str:
        parts = [self.kind]
        if self.name is not None:
            parts.append(repr(self.name))
        if self.number:
            parts.append(f"#{self.number}")
        if self.name is None and not self.number:
            parts.append(f"made at {self.created or 'an unknown place'}")
        return " ".join(parts)

    @property
    def brief(self) -> str:
        """What tells it apart outside of its report: ``RLock 'x'``, ``RLock #1 (bank.py:7)``."""
        if self.name is not None or self.created is None or not self.number:
            return str(self)
        return f"{self} ({Path(self.created.filename).name}:{self.created.line})"


def number_labels(labels: list[LockLabel]) -> list[LockLabel]:
    """The labels of different locks, with the numbers that tell them apart."""
    keys = [(label.kind, label.name) for label in labels]
    given: dict[tuple[str, str | None], int] = {}
    numbered = []
    for label, key in zip(labels, keys, strict=True):
        if label.name is None or keys.count(key) > 1:
            given[key] = given.get(key, 0) + 1
            label = replace(label, number=given[key])
        numbered.append(label)
    return numbered
