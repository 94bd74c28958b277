# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sorting, in plain Python: the specification of `nativeconc.kernels.sort`."""

from collections.abc import Sequence

from nativeconc.reference.argsort import argsort


def sort(a: Sequence[float], *, stable: bool | None = None) -> list[float]:
    """Sorts numbers, stably.

    Args:
        a: The elements of one lane.
        stable: It changes nothing.

    Returns:
        The numbers from the smallest to the largest, then the NaNs. Numbers that compare equal, and
        NaNs, keep the order they came in.
    """
    return [a[i] for i in argsort(a, stable=stable)]
