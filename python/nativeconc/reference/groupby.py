# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Grouping values by key, in plain Python: the specification of `nativeconc.kernels.groupby`."""

import math
from collections.abc import Callable, Sequence
from typing import Any

_NAN = float("nan")  # one object, so that a dict knows it again


def groupby(
    keys: Sequence[float], values: Sequence[float], how: str = "sum"
) -> tuple[list[Any], list[Any]]:
    """Collects the values beside each key, and sums up each group.

    For 2**19 rows or more the native kernel may cut them in portions, and add up the sums and the
    roundings of a group's portions in the same way.

    Args:
        keys: The key of each row. Equal ones are one (also NaNs).
        values: The value of each row.
        how: "sum", "mean", "min", "max" or "count".

    Returns:
        The different keys from the smallest to the largest, NaN last, and for each of them the
        result.

    Raises:
        ValueError: The lengths differ, or `how` is something else.
    """
    if len(keys) != len(values):
        raise ValueError(
            f"keys and values must have the same length, not {len(keys)} and {len(values)}"
        )
    if how not in _STATISTICS:
        raise ValueError(f"how must be one of {', '.join(_STATISTICS)}, not {how!r}")
    groups: dict[float, list[float]] = {}
    for key, value in zip(keys, values, strict=True):
        if key != key:
            key = _NAN
        elif isinstance(key, float):
            key += 0.0  # -0.0 becomes 0.0
        groups.setdefault(key, []).append(value)
    found = sorted(groups, key=lambda key: (key != key, key))
    return found, [_STATISTICS[how](groups[key]) for key in found]


def _sum(values: list[float]) -> float:
    if all(isinstance(value, int) for value in values):
        return sum(values)
    total = lost = 0.0
    for value in values:
        before, total = total, total + value
        # What the addition rounded off, exactly (Knuth, TAOCP 2, 4.2.2, theorem B).
        added = total - before
        lost += (before - (total - added)) + (value - added)
    return total + lost if math.isfinite(lost) else total


def _mean(values: list[float]) -> float:
    return _sum([float(value) for value in values]) / len(values)


def _min(values: list[float]) -> float:
    return _NAN if _has_nan(values) else min(values, key=_with_sign)


def _max(values: list[float]) -> float:
    return _NAN if _has_nan(values) else max(values, key=_with_sign)


def _has_nan(values: list[float]) -> bool:
    return any(value != value for value in values)


def _with_sign(value: float) -> tuple[float, float]:
    """Puts -0.0 before 0.0."""
    return value, math.copysign(1.0, value) if value == 0 else 0.0


_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "sum": _sum,
    "mean": _mean,
    "min": _min,
    "max": _max,
    "count": len,
}
