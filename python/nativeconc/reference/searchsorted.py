# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Binary search, in plain Python: the specification of `nativeconc.kernels.searchsorted`."""

from collections.abc import Sequence
from typing import Literal


def searchsorted(
    a: Sequence[float],
    v: Sequence[float],
    side: Literal["left", "right"] = "left",
    sorter: Sequence[int] | None = None,
) -> list[int]:
    """Finds where to insert numbers into a sorted sequence.

    Args:
        a: The sorted numbers; NaNs come last.
        v: What to look for.
        side: "left": before the elements that are equal. "right": behind them.
        sorter: None, or the indices that sort `a`.

    Returns:
        For each of `v` how many of `a` are before it; with "right", or equal to it. NaNs are equal
        to one another.
    """
    in_order = a if sorter is None else [a[i] for i in sorter]
    return [_position(in_order, wanted, side) for wanted in v]


def _position(a: Sequence[float], wanted: float, side: str) -> int:
    low, high = 0, len(a)
    while low < high:
        middle = (low + high) // 2
        goes_on = not _before(wanted, a[middle]) if side == "right" else _before(a[middle], wanted)
        low, high = (middle + 1, high) if goes_on else (low, middle)
    return low


def _before(x: float, y: float) -> bool:
    return x < y or (x == x and y != y)
