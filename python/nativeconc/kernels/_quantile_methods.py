# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""NumPy's thirteen methods: where among n sorted elements a quantile lies.

The names and definitions are those of Hyndman and Fan, "Sample quantiles in statistical packages",
The American Statistician 50, 1996, and of NumPy's manual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Method:
    """How one method finds its elements.

    Attributes:
        index: Gives the place for (n, q), from 0: an array of integers if the method takes elements
            as they are, and else of floats, between two elements.
        weight: Makes of the fraction of the place, and the place, the weight of the upper element.
    """

    index: Callable[[int, Array], Any]
    weight: Callable[[Array, Array], Array] = lambda fraction, _: fraction


def _plotting(alpha: float, beta: float) -> Method:
    return Method(lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1)


def _whole(place: Any) -> Any:
    """The place itself, if that is whole; else the next."""
    return np.maximum(np.ceil(place), 0).astype(np.intp)


def _nearest_even(place: Any) -> Any:
    """The nearer of two elements; halfway, the one of even number, counted from 1."""
    below = np.floor(place)
    stays = (place == below) & (below % 2 == 1)
    return np.maximum(np.where(stays, below, below + 1), 0).astype(np.intp)


METHODS: dict[str, Method] = {
    "inverted_cdf": Method(lambda n, q: _whole(n * q - 1)),
    "averaged_inverted_cdf": Method(
        lambda n, q: n * q - 1, lambda fraction, _: np.where(fraction == 0, 0.5, 1.0)
    ),
    "closest_observation": Method(lambda n, q: _nearest_even(n * q - 1 - 0.5)),
    "interpolated_inverted_cdf": _plotting(0, 1),
    "hazen": _plotting(0.5, 0.5),
    "weibull": _plotting(0, 0),
    "linear": Method(lambda n, q: (n - 1) * q),
    "median_unbiased": _plotting(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _plotting(3 / 8.0, 3 / 8.0),
    "lower": Method(lambda n, q: np.floor((n - 1) * q).astype(np.intp)),
    "higher": Method(lambda n, q: np.ceil((n - 1) * q).astype(np.intp)),
    "midpoint": Method(
        lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
        lambda _, place: np.where(place % 1 == 0, 0.0, 0.5),
    ),
    "nearest": Method(lambda n, q: np.around((n - 1) * q).astype(np.intp)),
}
