# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The different elements, in plain Python: the specification of `nativeconc.kernels.unique`."""

from collections.abc import Sequence
from typing import Any

from nativeconc.reference.argsort import argsort


def unique(
    ar: Sequence[float],
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # noqa: A002, ARG001 - NumPy's name; they always are
) -> Any:
    """Finds the different ones among numbers.

    Args:
        ar: The numbers.
        return_index: Also return where the first of each is.
        return_inverse: Also return, for each element, which of the different ones it is.
        return_counts: Also return how often each occurs.
        equal_nan: Whether all NaNs are one.
        sorted: It changes nothing.

    Returns:
        The different ones from the smallest to the largest, NaNs last, as a list; or a tuple of
        that and the other lists that were asked for. Of equal ones the first is taken.
    """
    index: list[int] = []
    inverse = [0] * len(ar)
    counts: list[int] = []
    for i in argsort(ar):
        if not index or not _same(ar[index[-1]], ar[i], equal_nan):
            index.append(i)
            counts.append(0)
        inverse[i] = len(index) - 1
        counts[-1] += 1
    values = [ar[i] for i in index]
    asked = [(return_index, index), (return_inverse, inverse), (return_counts, counts)]
    more = [result for wanted, result in asked if wanted]
    return (values, *more) if more else values


def _same(x: float, y: float, equal_nan: bool) -> bool:
    return x == y or (equal_nan and x != x and y != y)
