# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Smallest and largest numbers in plain Python: what `nativeconc.kernels.min` and its kin do."""

from collections.abc import Sequence

from nativeconc.reference.pairwise import combine


def min(a: Sequence[float]) -> float:  # noqa: A001 - NumPy's name
    """The smallest number; NaN if there is a NaN.

    Args:
        a: At least one number.

    Returns:
        One of them. Of 0.0 and -0.0 the one that comes first in the order of combining.

    Raises:
        ValueError: There is none.
    """
    _require_some(a)
    return combine(a, lambda x, y: y if y < x or y != y else x)


def max(a: Sequence[float]) -> float:  # noqa: A001 - NumPy's name
    """The largest number; NaN if there is a NaN.

    Args:
        a: At least one number.

    Returns:
        See `min`.

    Raises:
        ValueError: There is none.
    """
    _require_some(a)
    return combine(a, lambda x, y: y if y > x or y != y else x)


def nanmin(a: Sequence[float]) -> float:
    """The smallest number that is not NaN.

    Args:
        a: At least one number.

    Returns:
        See `min`; NaN if there is nothing else.

    Raises:
        ValueError: There is none.
    """
    _require_some(a)
    return combine(a, lambda x, y: y if y < x or x != x else x)


def nanmax(a: Sequence[float]) -> float:
    """The largest number that is not NaN.

    Args:
        a: At least one number.

    Returns:
        See `min`; NaN if there is nothing else.

    Raises:
        ValueError: There is none.
    """
    _require_some(a)
    return combine(a, lambda x, y: y if y > x or x != x else x)


def _require_some(a: Sequence[float]) -> None:
    if not a:
        raise ValueError("there must be at least one number")
