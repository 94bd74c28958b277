# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The order that sorts, in plain Python: the specification of `nativeconc.kernels.argsort`."""

from collections.abc import Sequence


def argsort(
    a: Sequence[float],
    *,
    stable: bool | None = None,  # noqa: ARG001 - the sort always is
) -> list[int]:
    """Finds the indices that sort numbers, stably.

    Args:
        a: The elements of one lane.
        stable: It changes nothing.

    Returns:
        The indices of the numbers from the smallest to the largest, then those of the NaNs. Among
        numbers that compare equal, and among NaNs, indices rise.
    """
    numbers = [i for i, value in enumerate(a) if value == value]
    nans = [i for i, value in enumerate(a) if value != value]
    # Python's sort is stable. (A merge of neighbouring runs, from single elements on.)
    return sorted(numbers, key=lambda i: a[i]) + nans
