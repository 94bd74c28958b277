# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where threads are, and what they are called. Asks the interpreter; never waits for anything."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from types import FrameType

from nativeconc.deadlock.site import Site

__all__ = ["MOST_FRAMES", "stacks_now", "thread_name"]

MOST_FRAMES = 30
# Code that waits on behalf of others: what is of interest is who called it.
_OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")  # noqa: PTH100, PTH118, PTH120
_THREADING = threading.__file__


def stacks_now(idents: Iterable[int]) -> dict[int, tuple[Site, ...]]:
    """Where these threads are: the calls that led there, outermost first.

    Long stacks lose their outer calls. At the inner end those of this package and of threading are
    left out. A thread that has ended has no calls.
    """
    frames = sys._current_frames()
    try:
        return {ident: _stack_of(frames.get(ident)) for ident in idents}
    finally:
        # This very frame is in it: a cycle, which would keep alive what our callers have in hand.
        frames.clear()


def _stack_of(frame: FrameType | None) -> tuple[Site, ...]:
    while frame is not None and _is_machinery(frame.f_code.co_filename):
        frame = frame.f_back
    sites: list[Site] = []
    while frame is not None and len(sites) < MOST_FRAMES:
        code = frame.f_code
        sites.append(Site(code.co_filename, frame.f_lineno or 0, code.co_qualname))
        frame = frame.f_back
    return tuple(reversed(sites))


def thread_name(ident: int, known: str | None, *, is_alive: bool) -> str | None:
    """What a thread is called now; `known` is what the core knew. Of one that is gone, only that.

    The id of a thread that has ended may belong to another one by now.
    """
    if is_alive:
        # enumerate() would wait for a lock of threading's, which our own caller may hold.
        thread = getattr(threading, "_active", {}).get(ident)
        if thread is not None:
            return str(thread.name)
    return known


def _is_machinery(filename: str) -> bool:
    return filename == _THREADING or filename.startswith(_OURS)
