# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""One row of a comparison, and how rows come of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from nativeconc.comparison.bystander import Lateness, Stall
from nativeconc.comparison.measure import Cell
from nativeconc.comparison.spread import Spread
from nativeconc.comparison.ways import Way

__all__ = ["Row", "rows_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One way of doing one kernel's work with one number of threads.

    Attributes:
        kernel: The kernel's name, or the user's callable's.
        way: How the work was done.
        threads: Python threads, or for Way.POOL native threads under one Python thread.
        calls: Calls in one run, all threads together: the same for every number of threads.
        units: Units of work in one call.
        unit: What a unit is, in the singular.
        title: What one call does.
        wall_s: Wall times of the runs, in seconds.
        unit_ns: Median wall time over the units done, in nanoseconds.
        speedup: Median time of one thread of the same way over this median.
        speedups: The same ratio round by round.
        versus_python: How many times faster than pure Python on one thread, per unit of work; None
            where there is no pure Python.
        cpus: How many CPUs' time the process got on average while it worked.
        stall: How long a bystander was kept waiting, in seconds; None if that was not measured.
    """

    kernel: str
    way: Way
    threads: int
    calls: int
    units: int
    unit: str
    title: str
    wall_s: Spread
    unit_ns: float
    speedup: float
    speedups: Spread
    versus_python: float | None
    cpus: float
    stall: Stall | None

    @property
    def call_s(self) -> float:
        """The time of one call on one thread, as this row's runs suggest, in seconds."""
        return self.wall_s.median * self.speedup / self.calls

    @property
    def noisy(self) -> bool:
        """Whether this row varies too much from round to round to conclude from its speedup."""
        return self.wall_s.noisy if self.threads == 1 else self.speedups.noisy


def rows_of(cells: Sequence[Cell], idle: Lateness) -> tuple[Row, ...]:
    """The rows for all cells that were timed at least once, and whose single thread was too."""
    single = {(cell.case.name, cell.load.way): cell for cell in cells if cell.threads == 1}
    rows = []
    for cell in cells:
        alone = single.get((cell.case.name, cell.load.way))
        if alone is not None and cell.times_s and alone.times_s:
            python = single.get((cell.case.name, Way.PYTHON))
            rows.append(_row(cell, alone, python, idle))
    return tuple(rows)


def _row(cell: Cell, alone: Cell, python: Cell | None, idle: Lateness) -> Row:
    unit_ns = _unit_ns(cell)
    ratios = [one / many for one, many in zip(alone.times_s, cell.times_s, strict=False)]
    return Row(
        kernel=cell.case.name,
        way=cell.load.way,
        threads=cell.threads,
        calls=cell.load.total,
        units=cell.load.units,
        unit=cell.case.unit,
        title=cell.case.title,
        wall_s=Spread.of(cell.times_s),
        unit_ns=unit_ns,
        speedup=median(alone.times_s) / median(cell.times_s),
        speedups=Spread.of(ratios),
        versus_python=_unit_ns(python) / unit_ns if python and python.times_s else None,
        cpus=median(cell.cpus),
        stall=Stall.of(cell.latenesses_s, idle) if cell.latenesses_s else None,
    )


def _unit_ns(cell: Cell) -> float:
    return median(cell.times_s) / (cell.load.units * cell.load.total) * 1e9
