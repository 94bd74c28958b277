# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Counting per bin, in plain Python: the specification of `nativeconc.kernels.histogram`."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from nativeconc.reference.pairwise import to_single

_BLOCK = 65536


def histogram(
    a: Sequence[float],
    bins: int | Sequence[float] = 10,
    range: tuple[float, float] | None = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Sequence[float] | None = None,
    dtype: str = "float64",
) -> tuple[list[Any], list[Any]]:
    """Counts the elements in each bin, or adds up their weights, as the native kernel does.

    Args:
        a: The array's elements as a flat sequence, in C order.
        bins: The number of even bins, or edges that do not fall. (NumPy's estimators are NumPy's:
            the twin does not know them.)
        range: The ends of even bins; None is the least and the largest element.
        density: Whether to return the probability density at the bins.
        weights: A number for each element; all int, or all float (then of float64).
        dtype: What the elements are: "float64", "float32" or an integer type.

    Returns:
        The histogram and the edges.

    Raises:
        TypeError: `bins` is a name.
        ValueError: As in the native kernel.

    An element is in the bin whose left edge is the last one not above it; the last bin has its
    right edge too. (With even bins the native kernel computes a number first and then moves it by
    one where the edges say otherwise; this is the same, because the number is never further off.)
    Weights are added up in blocks of 65536 elements: in a block in their order, beginning with 0.0,
    and then the blocks' sums. Ints in even bins are added up as floats in a block, and as ints
    between blocks; in uneven bins they are added up as ints.
    """
    if isinstance(bins, str):
        raise TypeError("the twin does not know NumPy's estimators; pass the number of bins")
    if weights is not None and len(weights) != len(a):
        raise ValueError("weights should have the same shape as a.")
    low = -math.inf
    high = math.inf
    even = isinstance(bins, int)
    if isinstance(bins, int):
        edges, low, high = _even_edges(a, bins, range, dtype)
    else:
        edges = list(bins)
        if any(x > y for x, y in pairwise(edges)):
            raise ValueError("`bins` must increase monotonically, when an array")
    n = max(len(edges) - 1, 0)
    places = [_place(x, edges) if low <= x <= high else None for x in a]
    counts: list[Any]
    if weights is None:
        counts = [0] * n
        for place in places:
            if place is not None:
                counts[place] += 1
    else:
        counts = _weigh(places, weights, n, even)
    if density:
        total = sum(counts)
        counts = [
            float(count) / (right - left) / total
            for count, left, right in zip(counts, edges, edges[1:], strict=False)
        ]
    return counts, edges


def _place(x: float, edges: Sequence[float]) -> int | None:
    if len(edges) < 2 or not edges[0] <= x <= edges[-1]:
        return None
    return min(bisect_right(edges, x), len(edges) - 1) - 1


def _weigh(
    places: Sequence[int | None], weights: Sequence[float], n: int, even: bool
) -> list[float | int]:
    whole = all(isinstance(weight, int) for weight in weights)
    zero: float | int = 0 if whole else 0.0
    totals = [zero] * n
    for start in range(0, len(places), _BLOCK):
        sums = [0 if whole and not even else 0.0] * n
        for place, weight in zip(
            places[start : start + _BLOCK], weights[start : start + _BLOCK], strict=True
        ):
            if place is not None:
                sums[place] += weight
        for i, each in enumerate(sums):
            totals[i] += int(each) if whole else each
    return totals


def _even_edges(
    a: Sequence[float], n: int, limits: tuple[float, float] | None, dtype: str
) -> tuple[list[float], float, float]:
    """The edges, and the least and the largest element that is let through."""
    if n < 1:
        raise ValueError("`bins` must be positive, when an integer")
    single = dtype == "float32"
    if limits is not None:
        first, last = limits
        if first > last:
            raise ValueError("max must be larger than min in range parameter.")
    elif len(a) == 0:
        first, last = 0, 1
    else:
        first, last = min(a), max(a)
        if any(x != x for x in a):
            first = last = math.nan
    if not (math.isfinite(first) and math.isfinite(last)):
        raise ValueError(f"range of [{first}, {last}] is not finite")
    # Edges between elements of single precision are computed in it, others are rounded to it.
    rounded = to_single if single and limits is None and len(a) > 0 else float
    if first == last:
        first, last = rounded(first - 0.5), rounded(last + 0.5)
    low, high = (to_single(first), to_single(last)) if single else (first, last)
    edges = _evenly_spaced(float(first), float(last), n, rounded)
    if single:
        edges = [to_single(edge) for edge in edges]
    if any(x >= y for x, y in pairwise(edges)):
        raise ValueError(f"Too many bins for data range. Cannot create {n} finite-sized bins.")
    return edges, low, high


def _evenly_spaced(
    first: float, last: float, n: int, rounded: Callable[[float], float]
) -> list[float]:
    """numpy.linspace(first, last, n + 1)."""
    step = rounded(rounded(last - first) / n)
    return [rounded(rounded(i * step) + first) for i in range(n)] + [last]
