# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The result of a comparison: frozen rows, and the ways to show and save them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nativeconc.comparison.bystander import Lateness
from nativeconc.comparison.machine import Machine
from nativeconc.comparison.row import Row
from nativeconc.comparison.verdict import Evidence, conclude, doubts

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

__all__ = ["Comparison", "Parameters"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was asked for.

    Attributes:
        kernels: What was compared.
        threads: The numbers of threads.
        size: The units of one native call; None: chosen by probing.
        repeat: How many times each row was to be timed.
        budget_s: The time the whole was to keep to, in seconds; None: no limit.
    """

    kernels: tuple[str, ...]
    threads: tuple[int, ...]
    size: int | None
    repeat: int
    budget_s: float | None


@dataclass(frozen=True)
class Comparison:
    """What `nc.compare` returns: `rows`, `table`, `to_json`, `to_html`, `plot`, `verdict`.

    Attributes:
        machine: The machine, the versions and the date.
        parameters: What was asked for.
        idle: How late a bystander is here beside nothing at all.
        elapsed_s: How long the whole took, in seconds.
        complete: False if it was interrupted; the rows are those that were measured by then.
    """

    machine: Machine
    parameters: Parameters
    idle: Lateness
    elapsed_s: float
    complete: bool
    _rows: tuple[Row, ...]

    def rows(self) -> tuple[Row, ...]:
        """Every row: by kernel, then way, then number of threads."""
        return self._rows

    @property
    def evidence(self) -> Evidence:
        """The rows with what the verdict needs to know of the machine."""
        return Evidence(
            self._rows, self.machine.cpus, self.machine.gil_enabled, self.machine.switch_interval_s
        )

    @property
    def verdict(self) -> str:
        """One plain sentence: what threads gain on this machine, and what a bystander waits."""
        return conclude(self.evidence)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What keeps one from trusting the numbers: noise, too few repeats; empty if nothing."""
        found = doubts(self.evidence)
        if not self.complete:
            found = ("Interrupted: only part of the comparison was measured.", *found)
        return found

    def table(self, width: int = 100) -> str:
        """The table as plain text, `width` columns wide.

        Raises:
            ValueError: `width` is not at least 1.
            ModuleNotFoundError: rich is not installed (it comes with `nativeconc[tools]`).
        """
        from nativeconc.comparison.render_table import as_text

        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        return as_text(self, width)

    def to_json(self, path: str | Path | None = None) -> str:
        """The whole result as JSON (docs/compare.md describes it); also written to `path`."""
        from nativeconc.comparison.render_json import as_json

        return _written(as_json(self), path)

    def to_html(self, path: str | Path | None = None) -> str:
        """A page that needs nothing from outside itself; also written to `path`."""
        from nativeconc.comparison.render_html import as_html

        return _written(as_html(self), path)

    def plot(self, path: str | Path | None = None) -> Figure:
        """A matplotlib figure: speedup and stall of every kernel; also saved to `path`.

        Raises:
            ModuleNotFoundError: matplotlib is not installed (it comes with `nativeconc[tools]`).
        """
        from nativeconc.comparison.render_plot import as_figure

        figure = as_figure(self)
        if path is not None:
            figure.savefig(path)
        return figure

    def __str__(self) -> str:
        return self.table()

    def __rich__(self) -> RenderableType:
        from nativeconc.comparison.render_table import as_renderable

        return as_renderable(self)

    def _repr_html_(self) -> str:
        from nativeconc.comparison.render_html import as_fragment

        return as_fragment(self)


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text
