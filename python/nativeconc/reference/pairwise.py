# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The order in which the native reductions combine numbers, in plain Python.

It depends on the number of elements alone. Elements are taken in leaves of 512. Inside a leaf, lane
l combines the elements l, l + 32, l + 64, ... in turn, and the 32 lanes are combined in halves. The
leaves meet in a binary tree, neighbours first. (Pairwise summation: Higham, "Accuracy and Stability
of Numerical Algorithms", section 4.2.)
"""

import math
import struct
from collections.abc import Callable, Sequence

_LANES = 32
_LEAF = 512

Combine = Callable[[float, float], float]


def combine(values: Sequence[float], both: Combine) -> float:
    """Combines one number or more to one."""
    level = [_combine_leaf(values[i : i + _LEAF], both) for i in range(0, len(values), _LEAF)]
    while len(level) > 1:
        pairs = [both(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]  # one without a neighbour moves up
    return level[0]


def add(values: Sequence[float]) -> float:
    """Adds numbers up; a zero comes out positive."""
    return combine(values, lambda x, y: x + y) + 0.0 if values else 0.0


def to_single(value: float) -> float:
    """Rounds to single precision."""
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:  # too large for a float32
        return math.copysign(math.inf, value)
    return single


def without_nan(a: Sequence[float]) -> list[float]:
    """The numbers with -0.0 for NaN: it changes nothing when added, not even a zero's sign."""
    return [-0.0 if x != x else x for x in a]


def _combine_leaf(leaf: Sequence[float], both: Combine) -> float:
    lanes = list(leaf[:_LANES])
    for i in range(_LANES, len(leaf)):
        lanes[i % _LANES] = both(lanes[i % _LANES], leaf[i])
    half = _LANES // 2
    while half > 0:
        for i in range(len(lanes) - half):
            lanes[i] = both(lanes[i], lanes[i + half])
        lanes = lanes[:half] if len(lanes) > half else lanes
        half //= 2
    return lanes[0]
