# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Means along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil
from nativeconc.kernels._moments import average
from nativeconc.kernels._reduce import Axis, How

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


def mean(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The mean along axes, as :func:`numpy.mean` gives it.

    Everything is added up in double precision, also float32 and along any axis, and rounded once.

    Args:
        a: An array of bool, integers, float32 or float64, of any shape and strides. Lists and
            scalars are taken as :func:`numpy.asarray` takes them.
        axis: None for all axes, an int, or a tuple of ints.
        dtype: None, or the dtype to return: bool, an integer type, float32 or float64. Elements are
            converted to it first, floats to double precision; a copy is made for that if the array
            holds a narrower float, or `dtype` is no float.
        out: An array of the result's shape to put it into; it may overlap `a`. As in NumPy, its
            dtype counts as `dtype` if it is a wider one.
        keepdims: Keep the reduced axes, with extent 1.
        where: True, or bools that broadcast to the array: which elements take part. The array is
            copied, to double precision.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        Without `dtype`, float32 for float32 and float64 for all else: a NumPy scalar or an
        array. It has the same bits for any number of threads, any strides and on any CPU. The mean
        of nothing is NaN, with a RuntimeWarning. The error is that of
        :func:`nativeconc.kernels.sum`, divided by n.

    Raises:
        TypeError: A dtype has no native path, the array is byte-swapped or masked, or `out` or
            `where` is of the wrong kind.
        ValueError: `axis` (numpy.exceptions.AxisError), `out`, `where`, `threads`, `gil` or
            `device` is out of range.
        MemoryError: There is no memory for the partial sums (1/128 of the array, at most), or for a
            copy where one is made.

    Source: pairwise summation, Higham, "Accuracy and Stability of Numerical Algorithms",
    section 4.2.
    """
    plain = where is True and dtype is out is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.mean(a, axis, keepdims, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return average("mean", a, how, dtype=dtype, out=out, where=where, device=device)


def nanmean(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The mean of what is not NaN along axes, as :func:`numpy.nanmean` gives it.

    As :func:`mean`, but NaNs do not count. Of nothing but NaNs the mean is NaN, with a
    RuntimeWarning. No copy of the array is made for that; it is read twice. For floats `dtype` and
    `out` must be floats, too.

    Args:
        a: See :func:`mean`.
        axis: See :func:`mean`.
        dtype: See :func:`mean`.
        out: See :func:`mean`.
        keepdims: See :func:`mean`.
        where: See :func:`mean`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`mean`.

    Raises:
        Exception: See :func:`mean`.
    """
    plain = where is True and dtype is out is None and device is None
    if plain and type(a) is np.ndarray:
        return _core.nanmean(a, axis, keepdims, threads, gil)
    how = How(axis, keepdims, threads, gil)
    return average("nanmean", a, how, dtype=dtype, out=out, where=where, device=device)
