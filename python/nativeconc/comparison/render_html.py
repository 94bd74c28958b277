# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A comparison as one HTML page: no script, no font, no picture from anywhere else."""

from __future__ import annotations

from html import escape
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
from nativeconc.comparison.numbers import milliseconds, per_unit, times
from nativeconc.comparison.render_json import as_json
from nativeconc.comparison.row import Row
from nativeconc.comparison.svg_charts import speedup_chart, stall_chart
from nativeconc.comparison.ways import COLORS

if TYPE_CHECKING:
    from nativeconc.comparison.comparison import Comparison

__all__ = ["as_fragment", "as_html"]

_STYLE = """
.nativeconc { --ink: #1c2026; --dim: #626a75; --line: #e1e4e9; --back: #fff; --good: #00724f;
  --bad: #b34700; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 1020px; margin: 0 auto; padding: 24px 20px; }
@media (prefers-color-scheme: dark) { .nativeconc { --ink: #e6e8ec; --dim: #9aa2ad;
  --line: #343a43; --back: #15181c; --good: #3ecf9e; --bad: #ff9a52; }
  body.page { background: #15181c; } }
.nativeconc h1 { font-size: 22px; margin: 0 0 4px; }
.nativeconc h2 { font-size: 18px; margin: 36px 0 0; }
.nativeconc p { margin: 4px 0; }
.nativeconc .verdict { font-size: 17px; font-weight: 600; border-left: 4px solid #009e73;
  padding: 6px 14px; margin: 18px 0; }
.nativeconc .dim { color: var(--dim); font-size: 13px; }
.nativeconc .doubt { color: var(--bad); font-size: 13px; }
.nativeconc .charts { display: flex; flex-wrap: wrap; gap: 20px;
  align-items: flex-end; margin: 14px 0; }
.nativeconc svg { flex: 1 1 380px; max-width: 490px; height: auto; font-size: 12px; }
.nativeconc svg text { fill: var(--ink); }
.nativeconc svg .grid { stroke: var(--line); }
.nativeconc svg .ideal { fill: none; stroke: var(--dim); stroke-dasharray: 2 4; }
.nativeconc .legend span { display: inline-block; margin-right: 16px; font-size: 13px; }
.nativeconc .legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px;
  margin-right: 5px; vertical-align: -1px; }
.nativeconc .wide { overflow-x: auto; }
.nativeconc table { border-collapse: collapse; width: 100%; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
.nativeconc th, .nativeconc td { text-align: right; padding: 3px 8px; white-space: nowrap; }
.nativeconc th { font-weight: 500; color: var(--dim); border-bottom: 1px solid var(--line); }
.nativeconc th:first-child, .nativeconc td:first-child { text-align: left; }
.nativeconc tr.first td { border-top: 1px solid var(--line); }
.nativeconc .gain { color: var(--good); font-weight: 600; }
.nativeconc .stalled { color: var(--bad); }
"""
_CLEAR_GAIN = 1.25
_CLEAR_STALL_S = 0.001


def as_html(comparison: Comparison) -> str:
    """The whole page, with the JSON of the result inside it."""
    data = as_json(comparison).replace("<", "\\u003c")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<title>nativeconc compare</title></head>\n"
        f'<body class="page" style="margin:0">\n{as_fragment(comparison)}'
        f'<script type="application/json" id="nativeconc-data">\n{data}</script>\n'
        "</body></html>\n"
    )


def as_fragment(comparison: Comparison) -> str:
    """The same without head and body, for a notebook."""
    kernels = by_kernel(comparison)
    parts = [
        f'<div class="nativeconc"><style>{_STYLE}</style>\n',
        "<h1>What threads gain here</h1>\n",
        f'<p class="dim">{escape(machine_line(comparison))}</p>\n',
        f'<p class="verdict">{escape(comparison.verdict)}</p>\n',
        *(f'<p class="doubt">{escape(doubt)}</p>\n' for doubt in comparison.doubts),
        _legend(comparison),
    ]
    for name, rows in kernels:
        parts += [
            f"<h2>{escape(name)}</h2>\n",
            f"<p>{escape(heading(rows))}</p>\n",
            f'<p class="dim">work in a run: {escape(work_line(rows))}</p>\n',
            f'<div class="charts">{speedup_chart(rows)}',
            stall_chart(rows, gil_enabled=comparison.machine.gil_enabled),
            "</div>\n",
            _table(comparison, rows),
        ]
    if kernels:
        parts.append("<h2>How to read this</h2>\n")
        parts += [f'<p class="dim">{escape(line)}</p>\n' for line in explanations(comparison)]
    parts.append("</div>\n")
    return "".join(parts)


def _legend(comparison: Comparison) -> str:
    ways = dict.fromkeys(row.way for row in comparison.rows())
    items = [
        f'<span><i style="background:{COLORS[way]}"></i>{escape(way.label)}</span>' for way in ways
    ]
    return f'<p class="legend">{"".join(items)}</p>\n'


def _table(comparison: Comparison, rows: list[Row]) -> str:
    compared = rows[0].versus_python is not None
    heads = ["", "threads", "wall ms (min-max)", f"per {rows[0].unit}", "speedup"]
    heads += ["vs Python"] if compared else []
    heads += ["bystander ms: median / max"]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = []
    for way, group in by_way(rows):
        label = way_label(way, rows[0].kernel, gil_enabled=comparison.machine.gil_enabled)
        for index, row in enumerate(group):
            cells = [
                f"<td>{escape(label) if index == 0 else ''}</td>",
                f"<td>{row.threads}</td>",
                f"<td>{escape(_wall(row))}</td>",
                f"<td>{per_unit(row.unit_ns)}</td>",
                _speedup(row),
            ]
            if compared:
                versus = "" if row.versus_python is None else times(row.versus_python)
                cells.append(f"<td>{versus}</td>")
            cells.append(_stall(row))
            first = ' class="first"' if index == 0 else ""
            body.append(f"<tr{first}>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(body)
        + "</tbody></table></div>\n"
    )


def _wall(row: Row) -> str:
    low, high = milliseconds(row.wall_s.min), milliseconds(row.wall_s.max)
    return f"{milliseconds(row.wall_s.median)} ({low}-{high})"


def _speedup(row: Row) -> str:
    gain = (
        ' class="gain"' if row.threads > 1 and row.speedup >= _CLEAR_GAIN and not row.noisy else ""
    )
    return f"<td{gain}>{'~' if row.noisy else ''}{times(row.speedup)}</td>"


def _stall(row: Row) -> str:
    if row.stall is None:
        return "<td>-</td>"
    stalled = ' class="stalled"' if row.stall.median_s >= _CLEAR_STALL_S else ""
    figures = f"{milliseconds(row.stall.median_s)} / {milliseconds(row.stall.max_s)}"
    return f"<td{stalled}>{escape(figures)}</td>"
