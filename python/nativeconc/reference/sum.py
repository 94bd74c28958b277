# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sums in plain Python: the specification of `nativeconc.kernels.sum` and `nansum`."""

from collections.abc import Sequence
from typing import Literal

from nativeconc.reference.pairwise import add, to_single, without_nan

Dtype = Literal["float32", "float64", "int32", "int64"]


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

    The order of the additions depends on the number of elements alone: see
    `nativeconc.reference.pairwise`.
    """
    if dtype in ("int32", "int64"):
        total = 0
        for value in a:
            total += int(value)
        return (total + 2**63) % 2**64 - 2**63
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32', 'float64', 'int32' or 'int64', not {dtype!r}")
    result = add(a)
    return to_single(result) if dtype == "float32" else result


def nansum(a: Sequence[float]) -> float:
    """The sum of what is not NaN; see `sum`.

    Args:
        a: The array's elements as a flat sequence of floats.

    Returns:
        A float.
    """
    return add(without_nan(a))
