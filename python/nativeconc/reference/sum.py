# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The sum of an array, in plain Python: the specification of `nativeconc.kernels.sum`."""

import math
import struct
from collections.abc import Sequence
from typing import Literal

Dtype = Literal["float32", "float64", "int32", "int64"]

_LANES = 32
_LEAF = 512


def sum(a: Sequence[float], dtype: Dtype = "float64") -> float | int:  # noqa: A001 - NumPy's name
    """Adds up numbers in the order and with the rounding of the native kernel.

    Args:
        a: The array's elements as a flat sequence, in the order of its memory (axes by falling
            stride). For an array that is C-contiguous that is `a.ravel().tolist()`.
        dtype: What the elements are: "float32", "float64", "int32" or "int64". Floats must be
            representable in it.

    Returns:
        A float for the float types: for "float64" each addition is rounded to double, for
        "float32" the additions are the same and the result is rounded to single. An int for the
        integer types: the exact sum, wrapped around to 64 bits.

    Raises:
        ValueError: `dtype` is none of the four.

    The order of the additions depends on the number of elements alone. Elements are taken in
    leaves of 512. Inside a leaf, lane l adds the elements l, l + 32, l + 64, ... in turn, and the
    32 lanes are added in halves. The leaves meet in a binary tree, neighbours first. (Pairwise
    summation: Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2.)
    """
    if dtype in ("int32", "int64"):
        total = 0
        for value in a:
            total += int(value)
        return (total + 2**63) % 2**64 - 2**63
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32', 'float64', 'int32' or 'int64', not {dtype!r}")
    if len(a) == 0:
        return 0.0
    leaves = [_leaf_sum(a[i : i + _LEAF]) for i in range(0, len(a), _LEAF)]
    result = _tree_sum(leaves) + 0.0  # a zero comes out positive
    return _to_single(result) if dtype == "float32" else result


def _leaf_sum(leaf: Sequence[float]) -> float:
    # -0.0 is what changes nothing when added, not even the sign of a zero.
    lanes = [-0.0] * _LANES
    for i, value in enumerate(leaf):
        lanes[i % _LANES] += value
    half = _LANES // 2
    while half > 0:
        for i in range(half):
            lanes[i] += lanes[i + half]
        half //= 2
    return lanes[0]


def _tree_sum(level: list[float]) -> float:
    while len(level) > 1:
        pairs = [level[i] + level[i + 1] for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]  # one without a neighbour moves up
    return level[0]


def _to_single(value: float) -> float:
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:  # too large for a float32
        return math.copysign(math.inf, value)
    return single
