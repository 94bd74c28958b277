# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What deadlock detection costs where nobody waits: two locks, one inside the other.

    python benchmarks/detection.py [--rounds 41] [--loops 20000] [--only TEXT] [--pin] [--json PATH]

`off` is as nativeconc is imported: deadlocks that have happened are found, the order of locks and
where they are taken are not looked at. One pair: the same two locks every time. 64 pairs: as many
pairs of locks, one after the other, made at one place and taken in an order that never deadlocks.
See side_by_side.py for how it is measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from side_by_side import Case, Run, main
from workloads import Make

import nativeconc as nc

PAIRS = 64


def one_pair(make: Make, loops: int) -> float:
    """`with a, b: pass`."""
    a, b = make(), make()
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        with a, b:
            pass
    return time.perf_counter() - start


def many_pairs(make: Make, loops: int) -> float:
    """The same with other locks every time."""
    locks = [make() for _ in range(PAIRS + 1)]
    pairs = list(pairwise(locks))
    turns = range(loops // PAIRS)
    start = time.perf_counter()
    for _ in turns:
        for a, b in pairs:
            with a, b:
                pass
    return time.perf_counter() - start


def switched_on(run: Run, **settings: Any) -> Run:
    """The same with detection enabled, and switched off again afterwards."""

    def enabled(loops: int) -> float:
        nc.deadlock.enable(**settings)
        try:
            return run(loops)
        finally:
            nc.deadlock.disable()

    return enabled


def cases(what: str, work: Callable[[Make, int], float]) -> list[Case]:
    off = partial(work, nc.Lock)
    return [
        Case(f"{what}, off", off, partial(work, threading.Lock), minus_loop=True),
        Case(
            f"{what}, order", switched_on(off, order=True), off, "off", limit=2.5, minus_loop=True
        ),
        Case(f"{what}, stacks", switched_on(off, stacks=True), off, "off", minus_loop=True),
        Case(
            f"{what}, order and stacks",
            switched_on(off, order=True, stacks=True),
            off,
            "off",
            minus_loop=True,
        ),
    ]


CASES = (*cases("one pair", one_pair), *cases(f"{PAIRS} pairs", many_pairs))

if __name__ == "__main__":
    main(__doc__ or "", CASES)
