# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Counting numbers, in plain Python: the specification of `nativeconc.kernels.bincount`."""

from collections.abc import Sequence
from typing import SupportsIndex


def bincount(
    x: Sequence[int],
    /,
    weights: Sequence[float] | None = None,
    minlength: SupportsIndex = 0,
) -> list[int] | list[float]:
    """Counts how often each number occurs, or adds up the weights that it occurs with.

    Args:
        x: Integers that are not negative.
        weights: A number for each of them.
        minlength: The least number of results.

    Returns:
        One number for each integer from 0 to the largest of `x`, and at least `minlength`: int
        counts, or float sums of the weights, added one by one in their order.

    Raises:
        ValueError: A number is negative, or the lengths differ.
    """
    least = minlength.__index__()
    if least < 0:
        raise ValueError("'minlength' must not be negative")
    if any(number < 0 for number in x):
        raise ValueError("'list' argument must have no negative elements")
    n = max([number + 1 for number in x] + [least])
    if weights is None or len(x) == 0:
        counts = [0] * n
        for number in x:
            counts[number] += 1
        return counts
    if len(weights) != len(x):
        raise ValueError("The weights and list don't have the same length.")
    sums = [0.0] * n
    for number, weight in zip(x, weights, strict=True):
        sums[number] += weight
    return sums
