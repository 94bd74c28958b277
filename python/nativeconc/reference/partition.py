# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Partitions, in plain Python: the specification of `nativeconc.kernels.partition`."""

from collections.abc import Sequence

from nativeconc.reference.sort import sort

_MOST_PIVOTS = 8


def partition(a: Sequence[float], kth: int | Sequence[int]) -> list[float]:
    """Puts some elements where a sort puts them, smaller ones before them and larger ones behind.

    Args:
        a: The elements of one lane.
        kth: Their positions; from the end if negative.

    Returns:
        The elements in classes: below the first of those at the positions, equal to it, between it
        and the second, and so on. Inside a class they keep the order they came in. For more than
        eight positions: the sorted elements.
    """
    in_order = sort(a)
    ranks = sorted({k % len(a) for k in ([kth] if isinstance(kth, int) else kth)})
    if len(ranks) > _MOST_PIVOTS:
        return in_order
    pivots: list[float] = []
    for pivot in (in_order[rank] for rank in ranks):
        if not pivots or _before(pivots[-1], pivot):
            pivots.append(pivot)
    classes: list[list[float]] = [[] for _ in range(2 * len(pivots) + 1)]
    for value in a:
        at_least = sum(not _before(value, pivot) for pivot in pivots)
        above = sum(_before(pivot, value) for pivot in pivots)
        classes[at_least + above].append(value)
    return [value for each in classes for value in each]


def _before(x: float, y: float) -> bool:
    return x < y or (x == x and y != y)
