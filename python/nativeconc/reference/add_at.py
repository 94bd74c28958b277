# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Adding at indices, in plain Python: the specification of `nativeconc.kernels.add_at`."""

from collections.abc import Sequence
from typing import Any


def add_at(a: list[Any], indices: Sequence[int], b: Any) -> None:
    """Adds a number to an element for each index, in the order of the indices.

    Args:
        a: The list that is changed.
        indices: Which elements; negative ones count from the end.
        b: A number for all indices, or a sequence of one for each.

    Raises:
        IndexError: An index is out of range; `a` is unchanged.
        ValueError: `b` has another length than `indices`.
    """
    n = len(a)
    for index in indices:
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of bounds for axis 0 with size {n}")
    numbers = b if isinstance(b, Sequence) else [b] * len(indices)
    if len(numbers) != len(indices):
        raise ValueError("array is not broadcastable to correct shape")
    for index, number in zip(indices, numbers, strict=True):
        a[index] += number
