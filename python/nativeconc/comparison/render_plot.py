# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A comparison as a figure (matplotlib): speedup against threads above, stalls below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nativeconc.comparison.captions import by_kernel, by_way, machine_line
from nativeconc.comparison.extras import needs_tools
from nativeconc.comparison.numbers import milliseconds
from nativeconc.comparison.row import Row
from nativeconc.comparison.ways import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nativeconc.comparison.comparison import Comparison

__all__ = ["as_figure"]

_GREY = "#8a8f98"
_LEAST_MS = 0.01  # bars on a logarithmic axis need a left end


def as_figure(comparison: Comparison) -> Figure:
    """One column a kernel. Uses no global state of matplotlib and opens no window."""
    with needs_tools("matplotlib"):
        from matplotlib.figure import Figure
    kernels = by_kernel(comparison)
    columns = max(1, len(kernels))
    figure = Figure(figsize=(max(6.5, 3.4 * columns), 6.6), dpi=150, layout="constrained")
    if not kernels:
        figure.suptitle("Nothing was measured.")
        return figure
    axes = figure.subplots(2, columns, squeeze=False, height_ratios=(3, 2))
    for column, (name, rows) in enumerate(kernels):
        _speedups(axes[0, column], name, rows, first=column == 0)
        _stalls(axes[1, column], rows, first=column == 0)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=6 if columns > 2 else 3,
        frameon=False,
        fontsize=9,
    )
    figure.supxlabel(machine_line(comparison), fontsize=7.5, color=_GREY)
    return figure


def _speedups(axes: Axes, name: str, rows: list[Row], *, first: bool) -> None:
    counts = sorted({row.threads for row in rows})
    axes.plot(counts, counts, color=_GREY, linestyle=":", linewidth=1, label="ideal")
    for way, group in by_way(rows):
        x = [row.threads for row in group]
        y = [row.speedup for row in group]
        low = [max(0.0, row.speedup - row.speedups.middle[0]) for row in group]
        high = [max(0.0, row.speedups.middle[1] - row.speedup) for row in group]
        axes.errorbar(
            x,
            y,
            yerr=(low, high),
            color=COLORS[way],
            label=way.label,
            linewidth=2,
            marker="o",
            markersize=5,
            elinewidth=1,
            alpha=0.9,
        )
    axes.set_title(name, fontsize=11, fontweight="bold")
    axes.set_xlabel("threads", fontsize=9)
    if first:
        axes.set_ylabel("speedup over one thread", fontsize=9)
    if counts[-1] > 8:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    else:
        axes.set_ylim(0, max(counts[-1], *(row.speedup for row in rows)) * 1.1)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlim(counts[0] - 0.15, counts[-1] * 1.05 + 0.1)
    _tidy(axes)
    axes.grid(axis="y", color="#e4e6ea", linewidth=0.8)


def _stalls(axes: Axes, rows: list[Row], *, first: bool) -> None:
    threads = max(row.threads for row in rows)
    shown = [row for row in rows if row.threads == threads and row.stall is not None][::-1]
    labels = []
    right = 1.0
    for index, row in enumerate(shown):
        assert row.stall is not None
        middle, most = row.stall.median_s * 1e3, row.stall.max_s * 1e3
        axes.barh(index, max(middle, _LEAST_MS), left=0, color=COLORS[row.way], height=0.6)
        axes.plot(
            [most], [index], marker="|", color=COLORS[row.way], markersize=9, markeredgewidth=2
        )
        text = f"{milliseconds(row.stall.median_s)} ms"
        axes.annotate(
            text,
            (max(most, middle, _LEAST_MS), index),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
        right = max(right, most, middle)
        labels.append(row.way.label)
    axes.set_xscale("log")
    axes.set_xlim(_LEAST_MS, right * 12)
    axes.set_yticks(range(len(shown)), labels if first else [""] * len(shown), fontsize=8)
    axes.set_xlabel(
        f"a bystander waits, ms\n(bar: median, tick: max; {threads} threads)", fontsize=9
    )
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
