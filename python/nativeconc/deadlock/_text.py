# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""What all reports share as text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from nativeconc.deadlock.label import LockLabel
from nativeconc.deadlock.site import Site

__all__ = ["RECORD_SITES", "indented", "origins", "paragraphs", "place"]

RECORD_SITES = (
    "Where a lock was taken was not recorded: nativeconc.deadlock.enable(stacks=True) does that,\n"
    "for locks taken from then on."
)
_STANDARD_LIBRARY = (os.path.join(os.path.dirname(os.__file__), ""), "<frozen ")  # noqa: PTH118, PTH120
_INSTALLED = ("/site-packages/", "/dist-packages/")


def origins(labels: Iterable[LockLabel]) -> str:
    """Where the locks that have no name, or not one of their own, were made."""
    lines = []
    for label in dict.fromkeys(labels):
        if label.number and label.created is not None:
            lines += place(f"{label} was made at", (label.created,), "")
    return "\n".join(lines)


def paragraphs(*parts: str) -> str:
    """The parts that are not empty, an empty line between them."""
    return "\n\n".join(part for part in parts if part)


def indented(depth: int, *lines: str) -> list[str]:
    """The lines, moved to the right by so many steps."""
    return [" " * 4 * depth + line for line in lines]


def place(preposition: str, stack: Sequence[Site], unknown: str, callers: int = 0) -> list[str]:
    """Lines that say where something happened: the innermost call, with its source.

    Then so many of its callers, libraries left out; at least one if the innermost is in a library.
    """
    if not stack:
        return [unknown]
    *outer, inner = stack
    users = [site for site in reversed(outer) if not _is_library(site)]
    lines = _lines(preposition, inner)
    for site in users[: max(callers, _is_library(inner))]:
        lines += _lines("called from", site)
    return lines


def _lines(preposition: str, site: Site) -> list[str]:
    source = site.source()
    return [f"{preposition} {site}", *([f"    {source}"] if source else [])]


def _is_library(site: Site) -> bool:
    name = site.filename
    return name.startswith(_STANDARD_LIBRARY) or any(folder in name for folder in _INSTALLED)
