# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The two charts of a kernel as inline SVG: speedup against threads, and a bystander's stall.

Colours of text, lines and background are left to the page's style sheet, so both light and dark
pages work.
"""

from __future__ import annotations

import math
from html import escape

from nativeconc.comparison.captions import by_way, way_label
from nativeconc.comparison.numbers import milliseconds, times
from nativeconc.comparison.row import Row
from nativeconc.comparison.ways import COLORS

__all__ = ["speedup_chart", "stall_chart"]

_WIDTH, _HEIGHT = 460, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 14, 40
_BAR_LEFT, _BAR_STEP = 150, 26
_LEAST_MS = 0.01


def speedup_chart(rows: list[Row]) -> str:
    """Speedup over one thread (y) against threads (x), a line for each way and the ideal dotted."""
    counts = sorted({row.threads for row in rows})
    top = max(float(counts[-1]), max(row.speedup for row in rows)) * 1.08

    def x(threads: int) -> float:
        span = max(1, len(counts) - 1)
        return _LEFT + 14 + (_WIDTH - _LEFT - _RIGHT - 28) * counts.index(threads) / span

    def y(speedup: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * speedup / top

    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
        f'y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}x</text>'
        for value in _ticks(top)
    ]
    parts += [
        f'<text x="{x(count):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{count}</text>'
        for count in counts
    ]
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 4}" text-anchor="middle">threads</text>')
    ideal = " ".join(f"{x(count):.1f},{y(count):.1f}" for count in counts)
    parts.append(f'<polyline class="ideal" points="{ideal}"/>')
    for way, group in by_way(rows):
        points = " ".join(f"{x(row.threads):.1f},{y(row.speedup):.1f}" for row in group)
        color = COLORS[way]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>'
        )
        for row in group:
            label = f"{way.label}, {row.threads} threads: {times(row.speedup)}"
            parts.append(
                f'<circle cx="{x(row.threads):.1f}" cy="{y(row.speedup):.1f}" r="4" '
                f'fill="{color}"><title>{escape(label)}</title></circle>'
            )
    return _svg("speedup over one thread against threads", _HEIGHT, parts)


def stall_chart(rows: list[Row], *, gil_enabled: bool) -> str:
    """A bar for each way: the bystander's median stall on a logarithmic axis; a tick: the max."""
    threads = max(row.threads for row in rows)
    shown = [row for row in rows if row.threads == threads and row.stall is not None]
    most = max((row.stall.max_s * 1e3 for row in shown if row.stall), default=1.0)
    decades = math.log10(max(1.0, most) * 4 / _LEAST_MS)
    height = 14 + _BAR_STEP * len(shown) + 40

    def x(ms: float) -> float:
        share = math.log10(max(_LEAST_MS, ms) / _LEAST_MS) / decades
        return _BAR_LEFT + (_WIDTH - _BAR_LEFT - _RIGHT) * share

    base = 14 + _BAR_STEP * len(shown)
    parts = []
    for power in range(-2, math.ceil(math.log10(max(1.0, most) * 4))):
        ms = 10.0**power
        parts.append(
            f'<line class="grid" x1="{x(ms):.1f}" x2="{x(ms):.1f}" y1="8" y2="{base}"/>'
            f'<text x="{x(ms):.1f}" y="{base + 16}" text-anchor="middle">{ms:g}</text>'
        )
    for index, row in enumerate(shown):
        if row.stall is None:
            continue
        middle = 14 + _BAR_STEP * index + 9
        end = max(x(row.stall.median_s * 1e3), _BAR_LEFT + 2.0)
        worst = x(row.stall.max_s * 1e3)
        label = way_label(row.way, row.kernel, gil_enabled=gil_enabled)
        color = COLORS[row.way]
        parts.append(
            f'<text x="{_BAR_LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{_BAR_LEFT}" y="{middle - 8}" width="{end - _BAR_LEFT:.1f}" height="16" '
            f'rx="2" fill="{color}"/>'
            f'<line x1="{worst:.1f}" x2="{worst:.1f}" y1="{middle - 8}" y2="{middle + 8}" '
            f'stroke="{color}" stroke-width="2.5"/>'
            f'<text x="{max(end, worst) + 7:.1f}" y="{middle + 4}">'
            f"{escape(milliseconds(row.stall.median_s))}</text>"
        )
    words = f"a bystander waits, ms (bar: median, tick: max; threads: {threads})"
    parts.append(f'<text x="{_WIDTH / 2}" y="{height - 4}" text-anchor="middle">{words}</text>')
    return _svg(words, height, parts)


def _ticks(top: float) -> list[float]:
    """From 0 to `top`, about five round numbers."""
    step = next(
        size * 10.0**power
        for power in range(-1, 6)
        for size in (0.5, 1, 2, 5)
        if top / (size * 10.0**power) <= 6
    )
    return [step * index for index in range(int(top / step) + 1)]


def _svg(label: str, height: float, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        + "".join(parts)
        + "</svg>"
    )
