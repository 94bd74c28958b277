# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks of primitives share: pairs measured in turns, a table, and JSON.

Every round measures both sides of each pair one right after the other, in an order that turns
round, so that whatever else the machine does meets both alike. The figures are medians over the
rounds, a ratio is one of medians, and beside it stands the most it may be, where we have set a
limit. An empty loop is measured too and taken off the figures of short operations.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import nativeconc as nc

Run = Callable[[int], float]
"""Does so many operations and returns the seconds they took."""

NO_GIL = not getattr(sys, "_is_gil_enabled", lambda: True)()


@dataclass(frozen=True)
class Case:
    """One pair. `theirs` is None where what it would take is not installed."""

    name: str
    ours: Run
    theirs: Run | None
    beside: str = "threading"
    limit: float | None = None  # the most that ours / theirs may be
    scale: float = 1.0  # operations a round, as a multiple of --loops
    least: int = 4  # and so many at least
    minus_loop: bool = False  # the empty loop is taken off
    pinned: bool = False  # all threads on one core

    @property
    def most(self) -> float | None:
        """The limit that holds on this Python: without a GIL, nothing may be slower."""
        if self.limit is None and NO_GIL and self.beside == "threading":
            return 1.0
        return self.limit


@contextmanager
def on_one_core(wanted: bool) -> Iterator[None]:
    """This thread, and those that it starts."""
    if not wanted:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def empty_loop(loops: int) -> float:
    """The loop itself, s."""
    turns = range(loops)
    start = time.perf_counter()
    for _ in turns:
        pass
    return time.perf_counter() - start


def measure(case: Case, rounds: int, loops: int) -> dict[str, Any]:
    """One row of the result; times in ns an operation."""
    row: dict[str, Any] = {"case": case.name, "beside": case.beside, "pinned": case.pinned}
    if case.theirs is None:
        return {**row, "missing": f"{case.beside} is not installed"}
    sides = [("nativeconc", case.ours), (case.beside, case.theirs)]
    n = max(int(loops * case.scale), case.least)
    samples: list[list[float]] = [[], []]
    with on_one_core(case.pinned):
        for i in range(rounds + 1):
            empty = empty_loop(n) if case.minus_loop else 0.0
            for side in (0, 1) if i % 2 else (1, 0):
                seconds = sides[side][1](n) - empty
                if i > 0:  # the first round warms up
                    samples[side].append(seconds / n * 1e9)
    ours, theirs = median(samples[0]), median(samples[1])
    ratio = ours / theirs
    return {
        **row,
        "nativeconc_ns": ours,
        "beside_ns": theirs,
        "ratio": ratio,
        "limit": case.most,
        "met": None if case.most is None else ratio <= case.most,
        "spread": {who: [min(s), max(s)] for (who, _), s in zip(sides, samples, strict=True)},
    }


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    name = row["case"] + (", pinned" if row["pinned"] else "")
    if "missing" in row:
        return f"{name:38}{row['missing']:>14}"
    verdict = ""
    if row["limit"] is not None:
        verdict = f"  <= {row['limit']:<5.2f}{'met' if row['met'] else 'MISSED'}"
    return (
        f"{name:38}{row['nativeconc_ns']:12.1f}{row['beside_ns']:12.1f}{row['ratio']:8.2f}"
        f"  {row['beside']:18}{verdict}"
    ).rstrip()


def main(description: str, cases: Sequence[Case], argv: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--loops", type=int, default=20_000)
    parser.add_argument("--only", default="", help="the cases whose name contains this")
    parser.add_argument("--pin", action="store_true", help="all threads on one core")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args(argv)
    cpus = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {'no GIL' if NO_GIL else 'GIL'}; ns an operation")
    print(f"{'':38}{'nativeconc':>12}{'beside':>12}{'ratio':>8}")
    rows = []
    with on_one_core(arguments.pin):
        for case in cases:
            if arguments.only.lower() in case.name.lower():
                rows.append(measure(case, arguments.rounds, arguments.loops))
                print(line(rows[-1]), flush=True)
    limited = [row for row in rows if row.get("limit") is not None]
    print(f"{sum(row['met'] for row in limited)} of {len(limited)} limits met")
    if arguments.json:
        result = {
            "python": platform.python_version(),
            "gil": not NO_GIL,
            "machine": platform.machine(),
            "cpus": 1 if arguments.pin else cpus,
            "nativeconc": nc.__version__,
            "rounds": arguments.rounds,
            "loops": arguments.loops,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
