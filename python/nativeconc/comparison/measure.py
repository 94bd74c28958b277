# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Measure: every way and number of threads of a kernel in turn, round after round.

A round runs each cell (a way with a number of threads) once, in an order shuffled anew, so that a
machine that slows down or speeds up meanwhile does so to all alike. Rounds that time and rounds
that watch a bystander are separate runs: the one does not disturb the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from nativeconc.comparison.cases import Case
from nativeconc.comparison.harness import Harness
from nativeconc.comparison.plan import Load

__all__ = ["Cell", "Progress", "Report", "measure_case"]

# A bystander that sleeps a millisecond at a time needs this long to have seen enough.
_STALL_RUN_S = 0.06

# What is told between runs: what is being done now, and the share that is done (0 to 1).
Report = Callable[[str, float], None]


@dataclass
class Cell:
    """One way with one number of threads, and what was measured of it."""

    case: Case
    load: Load
    threads: int
    times_s: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)  # CPUs used on average, run by run
    latenesses_s: list[float] = field(default_factory=list)


class Progress:
    """Tells a report how far a share of the whole has come; does nothing without one."""

    def __init__(self, report: Report | None, start: float = 0.0, stop: float = 1.0) -> None:
        self._report = report
        self._start = start
        self._stop = stop

    def part(self, index: int, count: int) -> Progress:
        """The progress of part `index` of `count` equal parts."""
        width = (self._stop - self._start) / count
        return Progress(
            self._report, self._start + index * width, self._start + (index + 1) * width
        )

    def tell(self, what: str, share: float = 0.0) -> None:
        """Report that `what` begins, with `share` (0 to 1) of this part done."""
        if self._report is not None:
            self._report(what, self._start + (self._stop - self._start) * share)


def measure_case(
    cells: Sequence[Cell],
    harness: Harness,
    repeat: int,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> None:
    """Fill the cells with `repeat` times each, and with the latenesses of the stall rounds.

    What was measured before an exception (Ctrl-C too) stays in the cells.

    Args:
        cells: The cells of one kernel.
        harness: Does the runs.
        repeat: How many times each cell is timed.
        deadline: On the harness's clock; a round that would end after it is left out, except for
            the first of each kind. None: no limit.
        progress: Told before every run.

    Raises:
        WorkError: The work raised.
    """
    progress = progress or Progress(None)
    order = random.Random(len(cells))
    kinds = list(_rounds(repeat))
    last_cost: dict[str, float] = {}
    for index, kind in enumerate(kinds):
        begin = harness.now()
        if deadline is not None and kind in last_cost and begin + last_cost[kind] > deadline:
            continue
        for done, cell in enumerate(order.sample(cells, len(cells))):
            label = f"{cell.case.name}: {cell.load.way.label}, {_count(cell.threads)}"
            progress.tell(label, (index + done / len(cells)) / len(kinds))
            _run(cell, harness, kind)
        last_cost[kind] = harness.now() - begin


def _rounds(repeat: int) -> Iterator[str]:
    """One timing round, a stall round, the other timing rounds with a stall round half-way."""
    for index in range(repeat):
        yield "time"
        if index in (0, repeat // 2):
            yield "stall"


def _run(cell: Cell, harness: Harness, kind: str) -> None:
    load = cell.load
    if kind == "time":
        run = harness.time(load.calls, load.total, load.way, cell.threads)
        cell.times_s.append(max(1e-9, run.wall_s))
        cell.cpus.append(run.cpu_s / max(1e-9, run.wall_s))
        return
    passes = 1
    if cell.times_s:
        passes = max(1, round(_STALL_RUN_S / cell.times_s[0]))
    cell.latenesses_s += harness.stall(load.calls, load.total * passes, load.way, cell.threads)


def _count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"
