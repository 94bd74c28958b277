# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where numbers belong in a sorted array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# A sorter up to this long is checked as a whole; that takes some microseconds.
_CHECKED = 4096


def searchsorted(
    a: ArrayLike,
    v: ArrayLike,
    side: Literal["left", "right"] = "left",
    sorter: ArrayLike | None = None,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Find where to insert numbers to keep an array sorted, as :func:`numpy.searchsorted` does.

    Args:
        a: A sorted array of one dimension, of bool, any integer type, float32 or float64, with any
            stride; NaNs come last. Whether it is sorted is not checked.
        v: What to look for: an array of any shape, or a number. If its dtype is another one, both
            are converted to NumPy's common dtype first, as NumPy does.
        side: "left": before the elements that are equal. "right": behind them.
        sorter: None, or integers that sort `a`, as :func:`argsort` gives them.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        An int64 array of v's shape, or an int64 scalar if v has no dimension.

    Raises:
        TypeError: A dtype has no native path, or an array is byte-swapped or masked; `side` is no
            string, or `sorter` holds no integers.
        ValueError: `a` has not one dimension, `sorter` differs in size, or an index in it is out of
            range (of more than 4096, among those that the search meets); `side`, `threads`, `gil`
            or `device` is.
        MemoryError: There is no memory for the result.

    Source: binary search without branches, Knuth, "The Art of Computer Programming", volume 3,
    section 6.2.1; 16 of them side by side.
    """
    if side not in ("left", "right"):
        if not isinstance(side, str):
            raise TypeError(f"search side must be str, not {type(side).__name__}")
        raise ValueError(f"search side must be 'left' or 'right', not {side!r}")
    if device is not None:
        require_cpu(device, "searchsorted")
    sorted_values = a if type(a) is np.ndarray else host_array(a)
    wanted = v if type(v) is np.ndarray else host_array(v)
    if sorted_values.ndim != 1:
        raise ValueError(f"a must have one dimension, not {sorted_values.ndim}")
    if sorted_values.dtype != wanted.dtype:
        common = np.promote_types(sorted_values.dtype, wanted.dtype)
        sorted_values = sorted_values.astype(common, copy=False)
        wanted = wanted.astype(common, copy=False)
    order = None if sorter is None else _order(sorter, sorted_values.size)
    return _core.searchsorted(sorted_values, wanted, side == "right", order, threads, gil)


def _order(sorter: ArrayLike, size: int) -> np.ndarray[Any, Any]:
    order = host_array(sorter)
    if order.ndim != 1:
        raise TypeError(f"sorter must have one dimension, not {order.ndim}")
    if order.dtype.kind not in "iu":
        raise TypeError(f"sorter must only contain integers, not {order.dtype}")
    if order.size != size:
        raise ValueError(f"sorter.size must equal a.size: {order.size} is not {size}")
    order = order.astype(np.int64, copy=False)
    if 0 < size <= _CHECKED and (order.min() < 0 or order.max() >= size):
        raise ValueError(f"Sorter index out of range: all must be from 0 to {size - 1}")
    return order
