# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The median."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def median(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: NDArray[Any] | None = None,
    overwrite_input: bool = False,  # noqa: ARG001 - NumPy's; the input is never written to
    keepdims: bool = False,
    *,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """Return the median, as :func:`numpy.median` does.

    That is the middle element in sorted order, or the mean of the two in the middle. Where there is
    a NaN, it is a NaN.

    Args:
        a: An array of bool, any integer type, float32 or float64, of any shape and strides; it may
            be read-only, 0-d or empty. Lists are taken as :func:`numpy.asarray` takes them.
        axis: The axis or axes to go along; None, the default, takes all elements together. For
            several axes that do not lie together in memory a copy is made, as NumPy does.
        out: Where to put the result: an array of its shape.
        overwrite_input: It changes nothing: the input is never written to.
        keepdims: Leave the axes in the result, with one element.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu".

    Returns:
        A float32 for float32, a float64 for all else: a NumPy scalar if there is no axis left, or
        an array; or `out`. The two in the middle are added and halved in that type, as NumPy does.
        For no elements it is NaN, with NumPy's RuntimeWarning.

    Raises:
        TypeError: The dtype has no native path, or the array is byte-swapped or masked.
        ValueError: `threads`, `gil` or `device` is out of range, or `out` has the wrong shape.
        numpy.exceptions.AxisError: There is no such axis.
        MemoryError: There is no memory to work in: at most as much as one lane, usually far less.

    Source: radix selection: elements are counted in cells that span all values, and only the cells
    in the middle are looked at again. (Selection is Hoare's FIND, CACM 4, 1961.)
    """
    if device is not None:
        require_cpu(device, "median")
    values = a if type(a) is np.ndarray else host_array(a)
    ndim = values.ndim
    axes = _axes(axis, ndim)
    along = None if axes is None else axes[0] if len(axes) == 1 else -1
    if axes is not None and len(axes) != 1:
        values = _together(values, axes)
    n = values.size if along is None else values.shape[along]
    may_be_nan = values.dtype.kind == "f" and n > 0
    ranks = tuple(range((n - 1) // 2, n // 2 + 1)) if n > 0 else ()
    if may_be_nan:
        ranks += (n - 1,)  # NaNs come last
    found = _core.order_statistics(values, along, ranks, "median", threads, gil)
    middle = found[..., :-1] if may_be_nan else found
    kept = tuple(np.newaxis if axes is None or i in axes else slice(None) for i in range(ndim))
    target = out
    if out is not None and keepdims:
        target = out[(..., *(0 if index is np.newaxis else index for index in kept))]
    result: Any = np.mean(middle, axis=-1, out=target)
    if may_be_nan:
        last = found[..., -1]
        is_nan = np.isnan(last)
        if is_nan.any():
            if isinstance(result, np.ndarray):
                np.copyto(result, last, where=is_nan)
            else:
                result = last[()]
    if out is not None:
        return out
    return result[kept] if keepdims else result


def _axes(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...] | None:
    if axis is None:
        return None
    axes = axis if isinstance(axis, tuple) else (axis,)
    for each in axes:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(each, ndim)
    normalized = tuple(each % ndim for each in axes)
    if len(set(normalized)) != len(normalized):
        raise ValueError(f"repeated axis: {axis!r} names one axis twice")
    return normalized


def _together(values: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """The axes as one, the last."""
    others = [i for i in range(values.ndim) if i not in axes]
    moved = values.transpose(*others, *sorted(axes))
    return moved.reshape(
        *(values.shape[i] for i in others), math.prod(values.shape[i] for i in axes)
    )
