# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""Variances and standard deviations along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nativeconc import _core
from nativeconc.kernels._arguments import Device, Gil
from nativeconc.kernels._reduce import Axis, degrees_lost, reduce

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


def var(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The variance along axes, as :func:`numpy.var` gives it.

    Two passes: the means, then the squared deviations from them, both added up in double precision
    (float32 too) in a fixed tree. No copy of the array is made.

    Args:
        a: An array of bool, integers, float32 or float64, of any shape and strides. Lists and
            scalars are taken as :func:`numpy.asarray` takes them.
        axis: None for all axes, an int, or a tuple of ints.
        dtype: None, or the result's own dtype.
        out: An array of the result's shape to put it into; it may overlap `a`.
        ddof: The divisor is n - ddof.
        keepdims: Keep the reduced axes, with extent 1.
        where: True; nothing else is supported.
        mean: None; nothing else is supported.
        correction: Another name for ddof.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        float32 for float32, float64 for all else: a NumPy scalar or an array. It has the same bits
        for any number of threads, any strides and on any CPU. If n - ddof is not positive, there
        is a RuntimeWarning and the result is NaN or infinite.

    Raises:
        TypeError: The dtype has no native path, the array is byte-swapped or masked, or `dtype`,
            `ddof` or `out` is of the wrong kind.
        ValueError: `axis` (numpy.exceptions.AxisError), `out`, `where`, `mean`, `threads`, `gil` or
            `device` is out of range, or both `ddof` and `correction` are given.
        MemoryError: There is no memory for the means and the partial sums.

    Source: the two-pass algorithm in Chan, Golub, LeVeque, "Algorithms for Computing the Sample
    Variance" (1983).
    """
    if mean is not None:
        raise ValueError("var does not support mean=: it must be None, the mean is computed")
    lost = degrees_lost(ddof, correction)
    if type(a) is np.ndarray and dtype is None and out is None and where is True and device is None:
        return _core.var(a, axis, keepdims, lost, threads, gil)
    return reduce(
        "var",
        lambda array: _core.var(array, axis, keepdims, lost, threads, gil),
        a,
        dtype=dtype,
        out=out,
        where=where,
        device=device,
    )


def std(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The standard deviation along axes, as :func:`numpy.std` gives it.

    As :func:`var`, and then the square root, rounded once.

    Args:
        a: See :func:`var`.
        axis: See :func:`var`.
        dtype: See :func:`var`.
        out: See :func:`var`.
        ddof: See :func:`var`.
        keepdims: See :func:`var`.
        where: See :func:`var`.
        mean: See :func:`var`.
        correction: See :func:`var`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`var`.

    Raises:
        Exception: See :func:`var`.
    """
    if mean is not None:
        raise ValueError("std does not support mean=: it must be None, the mean is computed")
    lost = degrees_lost(ddof, correction)
    if type(a) is np.ndarray and dtype is None and out is None and where is True and device is None:
        return _core.std(a, axis, keepdims, lost, threads, gil)
    return reduce(
        "std",
        lambda array: _core.std(array, axis, keepdims, lost, threads, gil),
        a,
        dtype=dtype,
        out=out,
        where=where,
        device=device,
    )


def nanvar(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The variance of what is not NaN along axes, as :func:`numpy.nanvar` gives it.

    As :func:`var`, but NaNs do not count. Where too few are left the result is NaN.

    Args:
        a: See :func:`var`.
        axis: See :func:`var`.
        dtype: See :func:`var`.
        out: See :func:`var`.
        ddof: See :func:`var`.
        keepdims: See :func:`var`.
        where: See :func:`var`.
        mean: See :func:`var`.
        correction: See :func:`var`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`var`.

    Raises:
        Exception: See :func:`var`.
    """
    if mean is not None:
        raise ValueError("nanvar does not support mean=: it must be None, the mean is computed")
    lost = degrees_lost(ddof, correction)
    if type(a) is np.ndarray and dtype is None and out is None and where is True and device is None:
        return _core.nanvar(a, axis, keepdims, lost, threads, gil)
    return reduce(
        "nanvar",
        lambda array: _core.nanvar(array, axis, keepdims, lost, threads, gil),
        a,
        dtype=dtype,
        out=out,
        where=where,
        device=device,
    )


def nanstd(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray[Any, Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: None = None,
    correction: float | None = None,
    threads: int | None = None,
    gil: Gil = "auto",
    device: Device | None = None,
) -> Any:
    """The standard deviation of what is not NaN, as :func:`numpy.nanstd` gives it.

    As :func:`nanvar`, and then the square root, rounded once.

    Args:
        a: See :func:`var`.
        axis: See :func:`var`.
        dtype: See :func:`var`.
        out: See :func:`var`.
        ddof: See :func:`var`.
        keepdims: See :func:`var`.
        where: See :func:`var`.
        mean: See :func:`var`.
        correction: See :func:`var`.
        threads: See :mod:`nativeconc.kernels`.
        gil: See :mod:`nativeconc.kernels`.
        device: None or "cpu": there is no GPU version.

    Returns:
        See :func:`var`.

    Raises:
        Exception: See :func:`var`.
    """
    if mean is not None:
        raise ValueError("nanstd does not support mean=: it must be None, the mean is computed")
    lost = degrees_lost(ddof, correction)
    if type(a) is np.ndarray and dtype is None and out is None and where is True and device is None:
        return _core.nanstd(a, axis, keepdims, lost, threads, gil)
    return reduce(
        "nanstd",
        lambda array: _core.nanstd(array, axis, keepdims, lost, threads, gil),
        a,
        dtype=dtype,
        out=out,
        where=where,
        device=device,
    )
