# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The words around the numbers, the same in the table, the plot and the page."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from nativeconc.comparison.cases import CASES
from nativeconc.comparison.numbers import milliseconds
from nativeconc.comparison.row import Row
from nativeconc.comparison.ways import NATIVE_WAYS, Way

if TYPE_CHECKING:
    from nativeconc.comparison.comparison import Comparison

__all__ = [
    "by_kernel",
    "by_way",
    "explanations",
    "heading",
    "machine_line",
    "way_label",
    "work_line",
]


def by_kernel(comparison: Comparison) -> list[tuple[str, list[Row]]]:
    """The rows, grouped by kernel."""
    return [(name, list(rows)) for name, rows in groupby(comparison.rows(), lambda r: r.kernel)]


def by_way(rows: list[Row]) -> list[tuple[Way, list[Row]]]:
    """The rows of one kernel, grouped by way."""
    return [(way, list(group)) for way, group in groupby(rows, lambda row: row.way)]


def machine_line(comparison: Comparison) -> str:
    """The machine and the versions in one line."""
    m = comparison.machine
    cpus = "1 CPU" if m.cpus == 1 else f"{m.cpus} CPUs"
    gil = "with the GIL" if m.gil_enabled else "without a GIL"
    return (
        f"{m.cpu}, {cpus} | {m.python} {gil} | NumPy {m.numpy} | nativeconc {m.nativeconc} | "
        f"{m.date[:10]}"
    )


def heading(rows: list[Row]) -> str:
    """What one call of a kernel does: "primes up to 3,508,593"."""
    native = [row for row in rows if row.way in NATIVE_WAYS or row.way is Way.CALLABLE]
    row = (native or rows)[0]
    return row.title.format(units=f"{row.units:,}")


def work_line(rows: list[Row]) -> str:
    """How much work each way did in a run: "pure Python 8 calls x 1,024 elements; ..."."""
    unit = rows[0].unit
    shares: dict[tuple[int, int], list[str]] = {}
    for way, group in by_way(rows):
        names = shares.setdefault((group[0].calls, group[0].units), [])
        name = "native" if way in NATIVE_WAYS else way.label
        if way is Way.POOL and not names:
            name = "own pool"
        if name not in names:
            names.append(name)
    if unit == "call":
        return "; ".join(f"{calls} calls in all" for calls, _ in shares)
    return "; ".join(
        f"{' and '.join(names)} {calls} x {units:,} {unit}s"
        for (calls, units), names in shares.items()
    )


def way_label(way: Way, kernel: str, *, gil_enabled: bool) -> str:
    """The words for a way; on a Python without a GIL nothing can be held."""
    if way in (Way.HELD, Way.RELEASED) and not gil_enabled:
        return 'native, gil="hold"' if way is Way.HELD else 'native, gil="release"'
    if way is Way.NUMPY and kernel in CASES and len(CASES[kernel].numpy_way) <= 12:
        return CASES[kernel].numpy_way
    return way.label


def explanations(comparison: Comparison) -> list[str]:
    """What the columns mean, a sentence each."""
    counts = {row.wall_s.count for row in comparison.rows()}
    runs = str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    idle = comparison.idle
    lines = [
        f"wall: median (min-max) of {runs} {'run' if runs == '1' else 'runs'}; a way does the "
        "same work for every number of threads.",
        "speedup: over one thread of the same way.",
        "bystander: how long another Python thread, asleep 1 ms at a time, was kept waiting "
        f"(median / max), beyond the {milliseconds(idle.median_s)} ms (max "
        f"{milliseconds(idle.max_s)}) of the idle machine.",
    ]
    if any(row.versus_python is not None for row in comparison.rows()):
        lines.insert(2, "vs Python: over pure Python on one thread, per unit of work.")
    if not comparison.machine.gil_enabled:
        lines.append('This Python has no GIL: gil="hold" holds nothing.')
    return lines
