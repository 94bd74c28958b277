# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The order that sorts an array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu
from nativeconc.kernels._sort_arguments import SortKind, check_sort

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def argsort(
    a: ArrayLike,
    axis: int | None = -1,
    kind: SortKind | None = None,
    order: None = None,
    *,
    stable: bool | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> NDArray[np.int64]:
    """Return the indices that sort an array, as ``numpy.argsort(a, kind="stable")`` does.

    The order is always the stable one: NaNs come last and are equal to one another, -0.0 and 0.0
    are equal, and equal elements keep the order they came in.

    Args:
        a: An array of bool, any integer type, float32 or float64, of any shape and strides; it may
            be read-only, 0-d or empty. Lists are taken as :func:`numpy.asarray` takes them.
        axis: The axis to sort along; the last one by default. None takes all elements as one row,
            in C order.
        kind: None, or a kind that NumPy knows. It changes nothing.
        order: None: there are no fields.
        stable: It changes nothing.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        An int64 array of a's shape, with one dimension if `axis` is None or `a` is 0-d. Its
        elements lie in memory lane by lane: it is C-contiguous if `axis` is the last one, and
        otherwise a view in which the strides of `axis` are the shortest.

    Raises:
        TypeError: The dtype has no native path, or the array is byte-swapped or masked; `axis` is
            no integer, or `kind` no string.
        ValueError: `kind`, `order`, `threads`, `gil` or `device` is out of range.
        numpy.exceptions.AxisError: There is no such axis.
        MemoryError: There is no memory for the result, or to work in: for lanes of 65536 elements
            or more 12 bytes an element of a lane for types of 8 bytes, 8 for others (16 from 2**32
            elements on).

    Source: distribution to some 500 buckets and radix sort of each, Knuth, "The Art of Computer
    Programming", volume 3, section 5.2.5.
    """
    if kind is not None or order is not None:
        check_sort(kind, order, stable)
    if device is not None:
        require_cpu(device, "argsort")
    if type(a) is not np.ndarray:
        a = host_array(a)
    if a.ndim == 0:
        a = a.reshape(1)
    return _core.argsort(a, axis, threads, gil)
