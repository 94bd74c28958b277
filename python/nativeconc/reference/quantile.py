# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Quantiles, in plain Python: the specification of `nativeconc.kernels.quantile`."""

import math
from collections.abc import Sequence
from fractions import Fraction

from nativeconc.reference.pairwise import to_single
from nativeconc.reference.sort import sort

# alpha and beta of the plotting positions: q lies at place n * q + alpha + q * (1 - alpha - beta),
# counted from 1. (Hyndman and Fan, "Sample quantiles in statistical packages", 1996.)
_POSITIONS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3.0, 1 / 3.0),
    "normal_unbiased": (3 / 8.0, 3 / 8.0),
}


def quantile(
    a: Sequence[float],
    q: float,
    method: str = "linear",
    *,
    weights: Sequence[float] | None = None,
    dtype: str = "float64",
) -> float:
    """Finds the number below which a part q of the elements lies.

    Args:
        a: The elements of one lane, at least one.
        q: From 0 to 1.
        method: As NumPy names it.
        weights: How much each element counts; for "inverted_cdf" alone.
        dtype: What the elements are. For "float32" each step is rounded to single precision.

    Returns:
        An element or a number between two; NaN if there is a NaN.
    """
    if any(value != value for value in a):
        return math.nan
    if weights is not None:
        return _weighted(a, q, weights)
    in_order = sort(a)
    place = _place(len(a), q, method)
    below = math.floor(place)
    weight = place - below
    if isinstance(place, int):
        return in_order[min(max(below, 0), len(a) - 1)]
    if method == "averaged_inverted_cdf":
        weight = 0.5 if weight == 0 else 1.0
    elif method == "midpoint":
        weight = 0.0 if weight == 0 else 0.5
    ends = 0 if place < 0 else len(a) - 1 if place >= len(a) - 1 else None
    lower = in_order[below if ends is None else ends]
    upper = in_order[below + 1 if ends is None else ends]
    return _between(lower, upper, weight, dtype)


def _place(n: int, q: float, method: str) -> float:
    """Where it lies, counted from 0: an int for an element, a float for between two."""
    if method == "inverted_cdf":
        return max(math.ceil(n * q - 1), 0)
    if method == "closest_observation":  # halfway, the element of even number, counted from 1
        place = n * q - 1 - 0.5
        stays = place.is_integer() and place % 2 == 1
        return max(math.floor(place) + (0 if stays else 1), 0)
    if method == "averaged_inverted_cdf":
        return n * float(q) - 1
    if method in _POSITIONS:
        alpha, beta = _POSITIONS[method]
        return n * q + (alpha + q * (1 - alpha - beta)) - 1
    place = (n - 1) * float(q)
    if method == "midpoint":
        return 0.5 * (math.floor(place) + math.ceil(place))
    if method == "lower":
        return math.floor(place)
    if method == "higher":
        return math.ceil(place)
    return round(place) if method == "nearest" else place


def _between(lower: float, upper: float, weight: float, dtype: str) -> float:
    """From the nearer of the two on."""
    rounded = to_single if dtype == "float32" else float
    difference = rounded(upper - lower)
    if weight >= 0.5:
        return rounded(upper - rounded(difference * rounded(1 - weight)))
    return rounded(lower + rounded(difference * rounded(weight)))


def _weighted(a: Sequence[float], q: float, weights: Sequence[float]) -> float:
    """The first element up to which the weights make q of their sum, or more."""
    total = Fraction(sum(map(Fraction, weights)))
    share = Fraction(0)
    for index in sorted(range(len(a)), key=lambda i: a[i]):
        share += Fraction(weights[index])
        if share > 0 and share >= Fraction(q) * total:
            return a[index]
    return max(a)
