# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A comparison as JSON. docs/compare.md describes the schema; raise its version when it changes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nativeconc.comparison.bystander import Lateness, Stall
from nativeconc.comparison.row import Row
from nativeconc.comparison.spread import Spread

if TYPE_CHECKING:
    from nativeconc.comparison.comparison import Comparison

__all__ = ["SCHEMA", "as_dict", "as_json"]

SCHEMA = "nativeconc.compare/1"


def as_json(comparison: Comparison) -> str:
    """The document, indented, with a newline at its end; it never contains NaN."""
    return json.dumps(as_dict(comparison), indent=2, allow_nan=False) + "\n"


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """The document as plain dicts and lists. Durations say their unit in their name."""
    return {
        "schema": SCHEMA,
        "complete": comparison.complete,
        "verdict": comparison.verdict,
        "doubts": list(comparison.doubts),
        "elapsed_s": comparison.elapsed_s,
        "machine": asdict(comparison.machine),
        "parameters": asdict(comparison.parameters),
        "idle_lateness_s": _waits(comparison.idle),
        "rows": [_row(row) for row in comparison.rows()],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "kernel": row.kernel,
        "way": row.way.value,
        "threads": row.threads,
        "calls": row.calls,
        "units_per_call": row.units,
        "unit": row.unit,
        "wall_s": _spread(row.wall_s),
        "unit_ns": row.unit_ns,
        "speedup": row.speedup,
        "speedup_by_round": _spread(row.speedups),
        "times_faster_than_python_per_unit": row.versus_python,
        "cpus_used": row.cpus,
        "bystander_stall_s": None if row.stall is None else _waits(row.stall),
        "noisy": row.noisy,
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "count": spread.count,
        "min": spread.min,
        "median": spread.median,
        "max": spread.max,
        "middle_half_over_median": None if math.isnan(spread.relative) else spread.relative,
    }


def _waits(waits: Lateness | Stall) -> dict[str, Any]:
    return {"count": waits.count, "median": waits.median_s, "max": waits.max_s}
