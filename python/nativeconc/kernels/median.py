# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The median."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil, host_array, require_cpu
from nativeconc.kernels._lanes import as_lanes, axes_of, kept_axes

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

    Source: a sample says between which two values the middle lies, and one pass over the elements
    keeps what lies there: Floyd and Rivest, "Expected time bounds for selection", CACM 18, 1975.
    Where that fails, elements are counted in cells that span all values.
    """
    if device is not None:
        require_cpu(device, "median")
    values = a if type(a) is np.ndarray else host_array(a)
    ndim = values.ndim
    axes = axes_of(axis, ndim)
    values, along = as_lanes(values, axes)
    n = values.size if along is None else values.shape[along]
    may_be_nan = values.dtype.kind == "f" and n > 0
    ranks = tuple(range((n - 1) // 2, n // 2 + 1)) if n > 0 else ()
    if may_be_nan:
        ranks += (n - 1,)  # NaNs come last
    found = _core.order_statistics(values, along, ranks, "median", threads, gil)
    middle = found[..., :-1] if may_be_nan else found
    kept = kept_axes(axes, ndim)
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
