# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Means and variances in plain Python: what `nativeconc.kernels.mean` and its kin do."""

import math
from collections.abc import Sequence

from nativeconc.reference.pairwise import add, without_nan


def mean(a: Sequence[float]) -> float:
    """The mean.

    Args:
        a: The array's elements as a flat sequence. For float32 the result is to be rounded to it.

    Returns:
        A float; NaN for an empty sequence.
    """
    return add(a) / len(a) if a else math.nan


def nanmean(a: Sequence[float]) -> float:
    """The mean of what is not NaN.

    Args:
        a: See `mean`.

    Returns:
        A float; NaN if there is nothing else.
    """
    n = _count(a)
    return add(without_nan(a)) / n if n else math.nan


def var(a: Sequence[float], ddof: float = 0) -> float:
    """The variance: the squared deviations from the mean, added up, over n - ddof.

    Args:
        a: See `mean`.
        ddof: What the divisor lacks to n.

    Returns:
        A float.
    """
    centre = mean(a)
    return _divided(add([(x - centre) * (x - centre) for x in a]), len(a) - ddof)


def nanvar(a: Sequence[float], ddof: float = 0) -> float:
    """The variance of what is not NaN.

    Args:
        a: See `mean`.
        ddof: What the divisor lacks to n.

    Returns:
        A float; NaN if n is not more than ddof.
    """
    centre = nanmean(a)
    degrees = _count(a) - ddof
    if degrees <= 0:
        return math.nan
    return add([-0.0 if x != x else (x - centre) * (x - centre) for x in a]) / degrees


def std(a: Sequence[float], ddof: float = 0) -> float:
    """The square root of `var`.

    Args:
        a: See `mean`.
        ddof: What the divisor lacks to n.

    Returns:
        A float.
    """
    return math.sqrt(var(a, ddof))


def nanstd(a: Sequence[float], ddof: float = 0) -> float:
    """The square root of `nanvar`.

    Args:
        a: See `mean`.
        ddof: What the divisor lacks to n.

    Returns:
        A float.
    """
    return math.sqrt(nanvar(a, ddof))


def _count(a: Sequence[float]) -> int:
    return len([x for x in a if x == x])


def _divided(total: float, degrees: float) -> float:
    if degrees > 0:
        return total / degrees
    return math.inf if total > 0 else math.nan
