# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Membership, in plain Python: the specification of `nativeconc.kernels.isin`."""

from collections.abc import Sequence


def isin(
    element: Sequence[float],
    test_elements: Sequence[float],
    assume_unique: bool = False,  # noqa: ARG001 - NumPy's; it changes nothing
    invert: bool = False,
) -> list[bool]:
    """Tells which numbers occur among others.

    Args:
        element: The numbers.
        test_elements: The others.
        assume_unique: It changes nothing.
        invert: Return true for those that do not occur.

    Returns:
        A bool for each of `element`. A NaN occurs nowhere; -0.0 and 0.0 are equal.
    """
    # Numbers that are equal have one hash. A NaN would be found if it were the same object.
    tests = {value for value in test_elements if value == value}
    return [(value in tests) != invert for value in element]
