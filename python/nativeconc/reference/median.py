# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The median, in plain Python: the specification of `nativeconc.kernels.median`."""

import math
from collections.abc import Sequence

from nativeconc.reference.pairwise import to_single


def median(a: Sequence[float], dtype: str = "float64") -> float:
    """Finds the middle of numbers in sorted order.

    Args:
        a: The elements of one lane.
        dtype: What they are. For "float32" sums are rounded to single precision.

    Returns:
        The middle one as a float; the sum of the two in the middle, halved; or NaN if there is a
        NaN, or nothing. -0.0 counts as less than 0.0.
    """
    if len(a) == 0 or any(value != value for value in a):
        return math.nan
    in_order = sorted(a, key=lambda value: (value, math.copysign(1.0, value)))
    low = float(in_order[(len(a) - 1) // 2])
    high = float(in_order[len(a) // 2])
    if len(a) % 2 == 1:
        return low + 0.0  # the sum of one: a zero comes out positive
    total = low + high + 0.0
    return to_single(total) / 2 if dtype == "float32" else total / 2
