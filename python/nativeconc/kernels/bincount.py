# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""How often each number occurs in an array."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def bincount(
    x: ArrayLike,
    /,
    weights: ArrayLike | None = None,
    minlength: SupportsIndex = 0,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> NDArray[Any]:
    """Count the occurrences of each number, or add up weights, as :func:`numpy.bincount` does.

    The result has the same bits for any number of threads, any memory layout and any CPU: NumPy's
    own.

    Args:
        x: A 1-d array of an integer type or bool, without negative elements; it may be read-only or
            empty, of any stride. Lists are taken as :func:`numpy.asarray` takes them.
        weights: A 1-d array of the length of `x`, of an integer type, bool, float32 or float64.
        minlength: The least number of results.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        One number for each integer from 0 to the largest element, and at least `minlength` of them:
        int64 counts, or float64 sums of the weights, which are added one by one in the order of the
        elements. (So a sum of n weights is within n * 2**-53 * sum(abs(weights)) of the exact one.)

    Raises:
        TypeError: A dtype has no native path, or an array is byte-swapped or masked, or `minlength`
            is not an int.
        ValueError: An element or `minlength` is negative; an array is not 1-d; their lengths
            differ; or `threads`, `gil` or `device` is out of range.
        MemoryError: There is no memory for the result, or for the counts of chunks: at most half of
            the size of `x`, or 1 MiB if that is more. Weights need none.

    It blocks, and releases the GIL, as :mod:`nativeconc.kernels` says.

    Source: counting sort's first pass (Knuth, "The Art of Computer Programming", volume 3, section
    5.2), with private counters for each chunk. Weights are added by one thread, or, for four
    threads or more and more than 65536 numbers, by up to eight that each own a range of them.
    """
    if device is not None:
        require_cpu(device, "bincount")
    if type(x) is not np.ndarray:
        x = _row("x", x)
        if x.size == 0 and x.dtype == np.float64:  # what an empty list becomes
            x = x.astype(np.int64)
    if weights is not None and type(weights) is not np.ndarray:
        weights = _row("weights", weights)
    if type(minlength) is not int:
        if minlength is None:
            raise TypeError("use 0 instead of None for minlength")
        if isinstance(minlength, bool | np.bool_):
            raise TypeError("minlength must be an int, not bool")
        minlength = operator.index(minlength)
    return _core.bincount(x, weights, minlength, threads, gil)


def _row(name: str, values: object) -> NDArray[Any]:
    array = host_array(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not {array.ndim}-dimensional")
    return array
