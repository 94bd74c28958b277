# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The different elements of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def unique(
    ar: ArrayLike,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # noqa: A002, ARG001 - NumPy's name; they always are
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Return the sorted different elements of an array, as :func:`numpy.unique` does.

    Of elements that are equal the first is taken, in C order: -0.0 and 0.0 are equal, and so are
    NaNs unless `equal_nan` is false.

    Args:
        ar: An array of bool, any integer type, float32 or float64, of any shape and strides; it may
            be read-only, 0-d or empty. Lists are taken as :func:`numpy.asarray` takes them.
        return_index: Also return where the first of each is, in the flattened array.
        return_inverse: Also return, for each element, which of the different ones it is.
        return_counts: Also return how often each occurs.
        axis: None, or 0 or -1 for an array of one dimension: different subarrays are not supported.
        equal_nan: Whether all NaNs are one.
        sorted: If false, NumPy may return them in another order; here they are sorted all the same.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        The different elements, of ar's dtype; or a tuple of them and what else was asked for, in
        the order of the parameters. Index, inverse and counts are int64; the inverse has the shape
        of `ar`.

    Raises:
        TypeError: The dtype has no native path, the array is byte-swapped or masked, or `axis` is
            no integer.
        ValueError: `axis` is not supported, or `threads`, `gil` or `device` is out of range.
        numpy.exceptions.AxisError: There is no such axis.
        MemoryError: There is no memory for the results, for each of which room for as many as there
            are elements is taken at first; or to work in: as :func:`sort`, or with indices as
            :func:`argsort` and 8 bytes an element.

    Source: a radix sort, as in :func:`sort` and :func:`argsort`, and a scan for where values begin.
    """
    if device is not None:
        require_cpu(device, "unique")
    a = ar if type(ar) is np.ndarray else host_array(ar)
    if axis is not None:
        if not hasattr(axis, "__index__"):
            raise TypeError(f"integer argument expected for axis, not {type(axis).__name__}")
        if not -a.ndim <= axis < a.ndim:
            raise np.exceptions.AxisError(axis, a.ndim)
        if a.ndim != 1:
            raise ValueError(
                f"axis must be None for an array of {a.ndim} dimensions, not {axis!r}: different "
                "subarrays are not supported"
            )
    return _core.unique(
        a,
        bool(return_index),
        bool(return_inverse),
        bool(return_counts),
        bool(equal_nan),
        threads,
        gil,
    )
