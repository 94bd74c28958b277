# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""A partitioned copy of an array."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def partition(
    a: ArrayLike,
    kth: int | Sequence[int] | NDArray[np.integer[Any]],
    axis: int | None = -1,
    kind: Literal["introselect"] = "introselect",
    order: None = None,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> NDArray[Any]:
    """Return a copy in which some elements are where a sort puts them, as :func:`numpy.partition`.

    What is smaller than such an element lies before it, what is larger behind; NaNs come last. The
    others keep the order they came in, among those between the same two such elements and among
    those equal to one. So, unlike NumPy's, the result is unique. For more than eight different
    `kth` it is the sorted array.

    Args:
        a: An array of bool, any integer type, float32 or float64, of any shape and strides; it may
            be read-only or empty. Lists are taken as :func:`numpy.asarray` takes them.
        kth: Which elements: one index or several, from -n to n - 1 for an axis of length n.
        axis: The axis to go along; the last one by default. None takes all elements as one row.
        kind: "introselect". It changes nothing.
        order: None: there are no fields.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        An array of a's dtype and shape, with one dimension if `axis` is None. Its elements lie in
        memory lane by lane, as those of :func:`sort` do.

    Raises:
        TypeError: The dtype has no native path, or the array is byte-swapped or masked; `kth` or
            `axis` is no integer, or `kind` no string.
        ValueError: `kth`, `kind`, `order`, `threads`, `gil` or `device` is out of range.
        numpy.exceptions.AxisError: There is no such axis.
        MemoryError: There is no memory for the result, or to select in, as for :func:`median`.

    Source: the elements are found as in :func:`median`; then all elements are counted and moved by
    class, in parallel: a counting sort, Knuth, "The Art of Computer Programming", volume 3,
    section 5.2.
    """
    if kind != "introselect":
        if not isinstance(kind, str):
            raise TypeError(f"select kind must be str, not {type(kind).__name__}")
        raise ValueError(f"select kind must be 'introselect' (got {kind!r})")
    if order is not None:
        raise ValueError("Cannot specify order when the array has no fields: order must be None")
    if device is not None:
        require_cpu(device, "partition")
    values = a if type(a) is np.ndarray else host_array(a)
    if axis is None:
        n = values.size
    else:
        axis = operator.index(axis)
        if not -values.ndim <= axis < values.ndim:
            raise np.exceptions.AxisError(axis, values.ndim)
        n = values.shape[axis]
    return _core.partition(values, axis, _ranks(kth, n, values.size), threads, gil)


def _ranks(kth: Any, n: int, size: int) -> tuple[int, ...]:
    """Different ranks that rise."""
    indices = np.asarray(kth)
    if indices.dtype.kind == "b":
        raise ValueError("Booleans unacceptable as partition index: kth must be integers")
    if indices.dtype.kind not in "iu":
        raise TypeError(f"Partition index must be integer: kth must be integers, not {kth!r}")
    if indices.ndim > 1:
        raise ValueError(
            f"kth must be an integer or have one dimension, not {indices.ndim} dimensions"
        )
    if size == 0:
        return ()
    given = indices.ravel().tolist()
    for each in given:
        if not -n <= each < n:
            raise ValueError(f"kth(={each}) out of bounds ({n})")
    return tuple(sorted({each % n for each in given}))
