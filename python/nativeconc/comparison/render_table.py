# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A comparison as a table in the terminal (rich)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from nativeconc.comparison.captions import (
    by_kernel,
    by_way,
    explanations,
    heading,
    machine_line,
    way_label,
    work_line,
)
from nativeconc.comparison.extras import needs_tools
from nativeconc.comparison.numbers import milliseconds, per_unit, times
from nativeconc.comparison.row import Row

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nativeconc.comparison.comparison import Comparison

__all__ = ["as_renderable", "as_text"]

_CLEAR_GAIN = 1.25  # a speedup from here on is worth a colour
_CLEAR_STALL_S = 0.001


def as_text(comparison: Comparison, width: int) -> str:
    """Plain text without colours, `width` columns wide."""
    with needs_tools("rich"):
        from rich.console import Console
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, force_terminal=False).print(
        as_renderable(comparison)
    )
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def as_renderable(comparison: Comparison) -> RenderableType:
    """Something rich can print: the machine, a table a kernel, the legend and the verdict."""
    with needs_tools("rich"):
        from rich.console import Group
        from rich.text import Text
    parts: list[RenderableType] = [Text(machine_line(comparison), style="dim"), Text()]
    for name, rows in by_kernel(comparison):
        parts += [
            Text.assemble((name, "bold"), f"  {heading(rows)}"),
            Text(f"work in a run: {work_line(rows)}", style="dim"),
            _kernel_table(comparison, rows),
            Text(),
        ]
    if comparison.rows():
        parts += [Text(line, style="dim") for line in explanations(comparison)]
    parts += [Text(doubt, style="yellow") for doubt in comparison.doubts]
    parts += [Text(), Text(comparison.verdict, style="bold")]
    return Group(*parts)


def _kernel_table(comparison: Comparison, rows: list[Row]) -> RenderableType:
    from rich import box
    from rich.table import Table

    compared = rows[0].versus_python is not None
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    table.add_column("", min_width=20, no_wrap=True)
    table.add_column("threads", justify="right", min_width=7, no_wrap=True)
    table.add_column("wall ms", justify="right", min_width=19, no_wrap=True)
    table.add_column(f"per {rows[0].unit}", justify="right", min_width=11, no_wrap=True)
    table.add_column("speedup", justify="right", min_width=7, no_wrap=True)
    if compared:
        table.add_column("vs Python", justify="right", no_wrap=True)
    table.add_column("bystander ms", justify="right", min_width=13, no_wrap=True)
    gil_enabled = comparison.machine.gil_enabled
    for way, group in by_way(rows):
        label = way_label(way, rows[0].kernel, gil_enabled=gil_enabled)
        for index, row in enumerate(group):
            cells = [
                label if index == 0 else "",
                str(row.threads),
                _wall(row),
                per_unit(row.unit_ns),
                _speedup(row),
            ]
            if compared:
                cells.append("" if row.versus_python is None else times(row.versus_python))
            table.add_row(*cells, _stall(row))
    return table


def _wall(row: Row) -> str:
    wall = row.wall_s
    low, high = milliseconds(wall.min), milliseconds(wall.max)
    return f"{milliseconds(wall.median)} ({low}-{high})"


def _speedup(row: Row) -> str:
    text = f"{'~' if row.noisy else ''}{times(row.speedup)}"
    if row.threads == 1 or row.noisy:
        return f"[dim]{text}[/dim]"
    return f"[bold green]{text}[/]" if row.speedup >= _CLEAR_GAIN else f"[yellow]{text}[/]"


def _stall(row: Row) -> str:
    if row.stall is None:
        return "-"
    text = f"{milliseconds(row.stall.median_s)} / {milliseconds(row.stall.max_s)}"
    return f"[red]{text}[/]" if row.stall.median_s >= _CLEAR_STALL_S else text
